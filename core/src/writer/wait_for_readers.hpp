// SPDX-License-Identifier: BSD-3-Clause
// A writer's wait until readers attach, release slots or take frames.
#pragma once

#include "platform/platform.hpp"
#include "process/interrupt.hpp"
#include "protocol/reader_table.hpp"
#include "testing/faults.hpp"

#include <ndsharray/writer.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>

namespace ndsharray {

class WaitForReaders {
  public:
    /// Waits until `ready()`, which is called with the lock held. Several threads may wait, all with the same
    /// mutex.
    /// \param table read again before each wait, because it may be replaced meanwhile.
    /// \param look time between two checks for dead readers; 0: no checks.
    /// \returns Ok, Timeout or Cancelled.
    template <typename Ready>
    WriteStatus until(Ready ready, std::unique_lock<std::mutex>& lock,
                      const std::shared_ptr<TableOwner>& table, const platform::Deadline& deadline,
                      std::chrono::nanoseconds look);

    /// Makes each wait call `ready()` again.
    void notify() noexcept { interrupt_.notify(); }

    /// Ends each wait, and each later one until resume().
    void cancel() noexcept { interrupt_.cancel(); }
    void resume() noexcept { interrupt_.resume(); }

  private:
    Interrupt interrupt_;
    unsigned waiting_ = 0;  // threads; guarded by the mutex
};

template <typename Ready>
WriteStatus WaitForReaders::until(Ready ready, std::unique_lock<std::mutex>& lock,
                                  const std::shared_ptr<TableOwner>& table,
                                  const platform::Deadline& deadline, std::chrono::nanoseconds look) {
    ++waiting_;
    WriteStatus status = WriteStatus::Ok;
    for (;;) {
        const std::shared_ptr<TableOwner> now = table;  // keeps the table alive during the sleep
        const platform::Watched interrupted = interrupt_.now();
        const platform::Watched released{&now->words().released,
                                         now->words().released.load(std::memory_order_acquire)};
        // This store comes before ready() reads. Its counterpart is in notify_waiting().
        now->words().writer_waiting.store(1, std::memory_order_relaxed);
        NDSHARRAY_FAULT_POINT(WaitingStored);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (ready())
            status = WriteStatus::Ok;
        else if (interrupt_.cancelled())
            status = WriteStatus::Cancelled;
        else if (platform::has_passed(deadline))
            status = WriteStatus::Timeout;
        else
            status = WriteStatus::NoSlot;
        if (status != WriteStatus::NoSlot)
            break;
        lock.unlock();
        platform::wait_either(released, interrupted,
                              look.count() > 0 ? platform::no_later_than(deadline, look) : deadline);
        if (look.count() > 0)
            now->reclaim_dead();
        lock.lock();
        NDSHARRAY_FAULT_POINT(WaitEnded);
    }
    if (--waiting_ == 0) {
        table->words().writer_waiting.store(0, std::memory_order_relaxed);
        NDSHARRAY_FAULT_POINT(NoLongerWaitingStored);
    }
    return status;
}

}  // namespace ndsharray
