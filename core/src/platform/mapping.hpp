// SPDX-License-Identifier: BSD-3-Clause
// Files mapped into memory.
#pragma once

#include "platform/access_guard.hpp"
#include "platform/file.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ndsharray::platform {

/// Owns a shared mapping of a file. If somebody makes the file shorter, its memory stays accessible.
class Mapping {
  public:
    Mapping() noexcept = default;
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    ~Mapping();

    /// Maps the first `bytes` of a file. An empty mapping means failure; errno says why.
    /// \param tag whose frames the file holds, for who writes them without leave; empty: none
    static Mapping of(const Descriptor& file, std::uint64_t bytes, Access access,
                      std::string_view tag = {}) noexcept;

    explicit operator bool() const noexcept { return address_ != nullptr; }
    std::byte* data() const noexcept { return address_; }

    /// Whether an access found the file shorter than the mapping. From some point on there are zeros then,
    /// which this process alone sees. Says what is known; costs a load.
    bool was_cut() const noexcept {
        // Acquire: for what the caller has read before it asks.
        std::atomic_thread_fence(std::memory_order_acquire);
        return range_ != nullptr && range_->was_cut();
    }

    /// The same after a look at the end of the mapping. A cut of less than a page has zeros at the end and is
    /// not found: to the reader of a file it is as if its owner had written them.
    bool is_cut() const noexcept { return is_cut_before(bytes_); }

    /// The same after a look at the last byte before this offset.
    bool is_cut_before(std::uint64_t end) const noexcept;

    /// Brings a part into the page table, so that no later access to it faults. To be written, it must have
    /// been reserved, and nobody else may use it yet.
    void populate(std::uint64_t offset, std::uint64_t bytes) const noexcept;

    /// Gives the memory of whole pages of a part back to the file system, whoever has them mapped; from then
    /// on they read as zeros. Where the file system cannot, nothing happens. \returns whether it could.
    bool discard(std::uint64_t offset, std::uint64_t bytes) const noexcept;

  private:
    std::byte* address_ = nullptr;
    std::uint64_t bytes_ = 0;
    Access access_ = Access::ReadOnly;
    GuardedRange* range_ = nullptr;
};

}  // namespace ndsharray::platform
