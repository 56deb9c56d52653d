// SPDX-License-Identifier: BSD-3-Clause
// A writer's wait for its readers to come, to let go or to go on.
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
    /// Waits until `ready()`, called with the lock held. Any number of threads, all with the same mutex.
    /// \param table looked at anew each time, since it may be replaced meanwhile
    /// \param look how often dead readers are looked for; 0: not at all.
    /// \returns Ok, Timeout or Cancelled.
    template <typename Ready>
    WriteStatus until(Ready ready, std::unique_lock<std::mutex>& lock,
                      const std::shared_ptr<TableOwner>& table, const platform::Deadline& deadline,
                      std::chrono::nanoseconds look);

    /// Makes waits look again.
    void notify() noexcept { interrupt_.notify(); }

    /// Makes waits end, and later ones too, until resume().
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
        const std::shared_ptr<TableOwner> now = table;  // stays while we sleep on it
        const platform::Watched interrupted = interrupt_.now();
        const platform::Watched released{&now->words().released,
                                         now->words().released.load(std::memory_order_acquire)};
        // Said before ready() looks; its counterpart is in notify_waiting().
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
