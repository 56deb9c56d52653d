// SPDX-License-Identifier: BSD-3-Clause
// Accesses to our mappings that the kernel answers with a signal: SIGBUS past the end of a file that was made
// shorter, which is survived, and SIGSEGV for a write into what is only to be read, which is explained.
#pragma once

#include "platform/file.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ndsharray::platform {

/// A mapping that the library's signal handlers know of. Where an access finds no file behind it, that of
/// SIGBUS puts zeros of this process alone in the place of the rest of the mapping, and says so here. Where
/// the program writes what it may only read, that of SIGSEGV says on stderr what to do instead. This and any
/// other signal then goes to the handler that was there before the first mapping was made.
///
/// A handler that the application installs later and that does not call the one before it ends all this.
class GuardedRange {
  public:
    /// A tag, and zeros.
    using Name = std::array<char, 129>;

    /// Starts to guard a mapping. Any thread. \returns nothing if there is no memory for it.
    /// \param tag whose frames it holds; empty: none
    static GuardedRange* guard(const std::byte* address, std::size_t bytes, Access access,
                               std::string_view tag) noexcept;

    /// Ends it; to be called before the memory is unmapped.
    void release() noexcept;

    /// Whether an access found the file too short.
    bool was_cut() const noexcept {
        // Acquire: the handler stores cut_ first. Usually no range was cut, and this is one load.
        return any_was_cut_.load(std::memory_order_acquire) && cut_.load(std::memory_order_relaxed);
    }

    /// The handler's: whether the address is in here, and if so, whether there is memory at it now.
    bool mend(std::uintptr_t address) noexcept;

    /// The handler's: the tag, if the address is in here and this process may only read frames of it.
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

    // A seqlock, since the handler must not wait: odd while the others change. A range that changes is not
    // the one that an access just failed in.
    std::atomic<std::uint32_t> version_{0};
    std::atomic<std::uintptr_t> begin_{0};  // 0: free
    std::atomic<std::uintptr_t> end_{0};
    std::array<std::atomic<char>, std::tuple_size_v<Name>> tag_{};
    std::atomic<bool> writable_{false};
    std::atomic<bool> cut_{false};

    inline static constinit std::atomic<bool> any_was_cut_{false};
};

}  // namespace ndsharray::platform
