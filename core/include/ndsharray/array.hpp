// SPDX-License-Identifier: BSD-3-Clause
// What an array looks like in memory: dtype, shape and strides, as NumPy means them.
#pragma once

#include <ndsharray/dtype.hpp>
#include <ndsharray/export.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace ndsharray {

/// The most dimensions an array can have (NumPy 1.x has the same limit).
inline constexpr std::size_t max_dimensions = 32;

/// Layout of one array. A plain value: copy it, compare it, keep it.
///
/// Strides are in bytes. Rows may be padded; in an array that lives in shared memory strides are never
/// negative and no two elements overlap. `bytes` is the memory the array occupies, from its first byte to
/// the end of its padding: at least `extent()`.
struct ArraySpec {
    DType dtype = DType::UInt8;
    ByteOrder byte_order = native_byte_order;
    std::uint32_t ndim = 0;
    std::array<std::uint64_t, max_dimensions> shape{};
    std::array<std::int64_t, max_dimensions> strides{};
    std::uint64_t bytes = 0;

    /// C-order array without padding.
    /// \throws Error InvalidArgument: more than max_dimensions, a bad dtype, or a size over 2^62 bytes.
    NDSHARRAY_API static ArraySpec contiguous(DType dtype, std::span<const std::uint64_t> shape,
                                              ByteOrder byte_order = native_byte_order);

    /// Array with the given strides in bytes (one per dimension, none negative).
    /// \param bytes memory it occupies including padding after the last element; 0 takes extent().
    /// \throws Error InvalidArgument: as contiguous(), or strides that are negative or let elements
    /// overlap, or `bytes` smaller than the extent.
    NDSHARRAY_API static ArraySpec strided(DType dtype, std::span<const std::uint64_t> shape,
                                           std::span<const std::int64_t> strides, std::uint64_t bytes = 0,
                                           ByteOrder byte_order = native_byte_order);

    /// Number of elements; 1 for a 0-dimensional array. Only for a spec that validate() accepts.
    NDSHARRAY_API std::uint64_t size() const noexcept;

    /// Bytes from the first element's first byte to the last element's last one; 0 without elements.
    NDSHARRAY_API std::uint64_t extent() const noexcept;

    /// Whether elements lie in C order without gaps.
    NDSHARRAY_API bool is_contiguous() const noexcept;

    /// Checks everything that must hold for an array in shared memory; safe on any bit pattern.
    /// \returns an empty string, or one sentence that names the first thing that is wrong.
    NDSHARRAY_API std::string problem() const;

    /// Shape and dtype for people: "uint8 (1080, 1920, 3)".
    NDSHARRAY_API std::string to_string() const;

    NDSHARRAY_API bool operator==(const ArraySpec& other) const noexcept;
};

/// An array somebody else owns: its layout and where its first element is. Here strides may be negative.
struct ArrayView {
    const void* data = nullptr;
    ArraySpec spec;
};

/// Copies all elements in C order, without gaps, to memory for ArraySpec::contiguous() of that shape.
NDSHARRAY_API void copy_elements(std::byte* to, const ArrayView& from) noexcept;

}  // namespace ndsharray
