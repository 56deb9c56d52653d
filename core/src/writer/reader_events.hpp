// SPDX-License-Identifier: BSD-3-Clause
// Tells an application by callbacks which readers of a writer attach and detach.
#pragma once

#include "protocol/reader_table.hpp"

#include <ndsharray/writer.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>

namespace ndsharray {

/// For any thread. After a callback is replaced or removed, it does not run any more.
/// An exception out of a callback ends here: nothing else on the watching thread would catch it.
class ReaderEvents {
  public:
    /// For a callback that is set now, readers that are attached already count as new.
    void on_readers_changed(std::function<void(unsigned)> changed);
    void on_reader_change(std::function<void(const ReaderChange&)> changed);

    /// Exceptions that came out of callbacks. Waits for nothing.
    std::uint64_t failed() const noexcept { return failed_.load(std::memory_order_relaxed); }

    /// Calls back if readers attached or detached since the last call.
    void tell(const TableOwner& table) noexcept;

  private:
    void tell_of_changes(const LiveReaders& now) noexcept;
    template <typename Callback, typename Change>
    void call(const Callback& callback, const Change& change) noexcept;

    std::mutex mutex_;  // of this process only; held during a callback, and otherwise only briefly
    std::function<void(unsigned)> readers_changed_;
    std::function<void(const ReaderChange&)> reader_change_;
    unsigned known_count_ = 0;
    std::atomic<std::uint64_t> failed_ = 0;  // only a number to be shown: orders nothing
    LiveReaders known_{};
};

}  // namespace ndsharray
