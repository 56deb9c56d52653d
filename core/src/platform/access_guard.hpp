// SPDX-License-Identifier: BSD-3-Clause
// Signals for accesses to our mappings. The kernel raises SIGBUS if a file was made shorter: the process goes
// on. It raises SIGSEGV for a write into read-only memory: a sentence on stderr explains it.
#pragma once

#include "platform/file.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ndsharray::platform {

/// A mapping that the library's signal handlers know. If an access finds no file behind it, the handler of
/// SIGBUS replaces the rest of the mapping with private zeros, and sets was_cut(). If the program writes into
/// read-only memory, the handler of SIGSEGV prints advice on stderr. This signal, and each signal for other
/// reasons, then goes to the handler that was installed before the first mapping was made.
///
/// If the application later installs a handler that does not call the handler before it, none of this works.
class GuardedRange {
  public:
    /// A tag, filled up with zeros.
    using Name = std::array<char, 129>;

    /// Starts to guard a mapping. Any thread. \returns nothing if there is no memory for it.
    /// \param tag of the frames in it; empty if it has no frames
    static GuardedRange* guard(const std::byte* address, std::size_t bytes, Access access,
                               std::string_view tag) noexcept;

    /// Ends the guard. Call it before the memory is unmapped.
    void release() noexcept;

    /// Whether an access found that the file is too short.
    bool was_cut() const noexcept {
        // Acquire: the handler stores cut_ first. Usually no range was cut, and this is one load.
        return any_was_cut_.load(std::memory_order_acquire) && cut_.load(std::memory_order_relaxed);
    }

    /// For the handler. Puts zeros at the address, if it is in this mapping. \returns whether it succeeded.
    bool mend(std::uintptr_t address) noexcept;

    /// For the handler. The tag, if the address is in this mapping and the mapping is read-only.
    std::optional<Name> read_only_at(std::uintptr_t address) const noexcept;

  private:
    struct Content {
        std::uintptr_t begin;
        std::uintptr_t end;
        bool writable;
        Name tag;
    };

    static GuardedRange* take_any() noexcept;
    bool take() noexcept;
    std::optional<Content> look(std::uintptr_t address) const noexcept;

    // A seqlock, because the handler must not wait. It is odd while the other fields change. An access cannot
    // have failed in a range that changes.
    std::atomic<std::uint32_t> version_{0};
    std::atomic<std::uintptr_t> begin_{0};  // 0: free
    std::atomic<std::uintptr_t> end_{0};
    std::array<std::atomic<char>, std::tuple_size_v<Name>> tag_{};
    std::atomic<bool> writable_{false};
    std::atomic<bool> cut_{false};

    inline static constinit std::atomic<bool> any_was_cut_{false};
};

}  // namespace ndsharray::platform
