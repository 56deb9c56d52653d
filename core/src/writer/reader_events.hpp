// SPDX-License-Identifier: BSD-3-Clause
// Tells an application by a callback which readers of a writer attach and detach.
#pragma once

#include "protocol/reader_table.hpp"

#include <ndsharray/writer.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>

namespace ndsharray {

/// For any thread. After the callback is replaced or removed, it does not run any more.
/// An exception of the callback is caught here: nothing else on the watching thread would catch it.
class ReaderEvents {
  public:
    /// For a callback that is set now, readers that are attached already count as new.
    void on_reader_change(std::function<void(const ReaderChange&)> changed);

    /// Number of exceptions that the callback threw. Waits for nothing.
    std::uint64_t failed() const noexcept { return failed_.load(std::memory_order_relaxed); }

    /// Calls back if readers attached or detached since the last call.
    void tell(const TableOwner& table) noexcept;

  private:
    void call(ReaderChange::Kind kind, const LiveReader& reader, unsigned readers) noexcept;

    std::mutex mutex_;  // of this process only; held during the callback, and otherwise only briefly
    std::function<void(const ReaderChange&)> reader_change_;
    std::atomic<std::uint64_t> failed_ = 0;  // only a number to be shown: orders nothing
    LiveReaders known_{};
};

}  // namespace ndsharray
