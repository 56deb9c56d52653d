// SPDX-License-Identifier: BSD-3-Clause
// Surviving a file that is made shorter while it is mapped, which the kernel answers with SIGBUS.
#pragma once

#include "platform/file.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ndsharray::platform {

/// A mapping that the library's SIGBUS handler knows of. Where an access finds no file behind it, the handler
/// puts zeros of this process alone in the place of the rest of the mapping, and says so here. Any other
/// SIGBUS goes to the handler that was there before the first mapping was made.
///
/// A handler that the application installs later and that does not call the one before it ends all this.
class GuardedRange {
  public:
    /// Starts to guard a mapping. Any thread. \returns nothing if there is no memory for it.
    static GuardedRange* guard(const std::byte* address, std::size_t bytes, Access access) noexcept;

    /// Ends it; to be called before the memory is unmapped.
    void release() noexcept;

    /// Whether an access found the file too short.
    bool was_cut() const noexcept { return cut_.load(std::memory_order_relaxed); }

    /// The handler's: whether the address is in here, and if so, whether there is memory at it now.
    bool mend(std::uintptr_t address) noexcept;

  private:
    bool take() noexcept;

    // A seqlock, since the handler must not wait: odd while the others change. A range that changes is not
    // the one that an access just failed in.
    std::atomic<std::uint32_t> version_{0};
    std::atomic<std::uintptr_t> begin_{0};  // 0: free
    std::atomic<std::uintptr_t> end_{0};
    std::atomic<bool> writable_{false};
    std::atomic<bool> cut_{false};
};

}  // namespace ndsharray::platform
