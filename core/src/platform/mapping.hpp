// SPDX-License-Identifier: BSD-3-Clause
// Files mapped into memory.
#pragma once

#include "platform/access_guard.hpp"
#include "platform/file.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ndsharray::platform {

/// Owns a shared mapping of a file. If a process makes the file shorter, the memory stays accessible.
class Mapping {
  public:
    Mapping() noexcept = default;
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    ~Mapping();

    /// Maps the first `bytes` of a file. An empty mapping means failure, and errno has the reason.
    /// \param tag of the frames in the file, for the advice at a forbidden write; empty if it has no frames
    static Mapping of(const Descriptor& file, std::uint64_t bytes, Access access,
                      std::string_view tag = {}) noexcept;

    explicit operator bool() const noexcept { return address_ != nullptr; }
    std::byte* data() const noexcept { return address_; }

    /// Whether an access found that the file is shorter than the mapping. The rest of the mapping is then
    /// zeros of this process. Only returns what is known, and costs a load.
    bool was_cut() const noexcept {
        // Acquire: the answer is about everything that the caller has read before.
        std::atomic_thread_fence(std::memory_order_acquire);
        return range_ != nullptr && range_->was_cut();
    }

    /// The same after an access to the end of the mapping. A cut of less than a page is not found. Its zeros
    /// look as if the owner had written them.
    bool is_cut() const noexcept { return is_cut_before(bytes_); }

    /// The same after an access to the last byte before this offset.
    bool is_cut_before(std::uint64_t end) const noexcept;

    /// Fills the page table for a part, so that no later access faults. A writable part must have been
    /// reserved, and no other process may use it yet.
    void populate(std::uint64_t offset, std::uint64_t bytes) const noexcept;

    /// Gives the memory of the whole pages of a part back to the file system, even if processes have them
    /// mapped. They then read as zeros. \returns false if the file system cannot do this.
    bool discard(std::uint64_t offset, std::uint64_t bytes) const noexcept;

  private:
    std::byte* address_ = nullptr;
    std::uint64_t bytes_ = 0;
    Access access_ = Access::ReadOnly;
    GuardedRange* range_ = nullptr;
};

}  // namespace ndsharray::platform
