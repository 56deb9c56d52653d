// SPDX-License-Identifier: BSD-3-Clause
// Files mapped into memory.
#pragma once

#include "file.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace ndsharray::platform {

/// Owns a shared mapping of a file.
class Mapping {
  public:
    Mapping() noexcept = default;
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    ~Mapping();

    /// Maps the first `bytes` of a file, so that huge pages of the file can be huge pages of the mapping. An
    /// empty mapping means failure; errno says why.
    static Mapping of(const Descriptor& file, std::uint64_t bytes, Access access) noexcept;

    explicit operator bool() const noexcept { return address_ != nullptr; }
    std::byte* data() const noexcept { return address_; }

    /// Brings a part into the page table, so that no later access to it faults. To be written, it must have
    /// been reserved, and nobody else may use it yet.
    void populate(std::uint64_t offset, std::uint64_t bytes) const noexcept;

    /// Puts huge pages in the place of small ones from this offset on, one at a time; what the pages hold and
    /// who uses them does not matter. The file is on tmpfs; all of it has been reserved.
    /// \returns where to go on, or nothing if there are none to come, or the kernel has none to give.
    std::optional<std::uint64_t> use_huge_page(std::uint64_t offset) const noexcept;

  private:
    std::byte* address_ = nullptr;
    std::uint64_t bytes_ = 0;
    Access access_ = Access::ReadOnly;
};

}  // namespace ndsharray::platform
