// SPDX-License-Identifier: BSD-3-Clause
// The layout of an array in memory: dtype, shape and strides, as in NumPy.
#pragma once

#include <ndsharray/dtype.hpp>
#include <ndsharray/export.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace ndsharray {

/// Largest number of dimensions. NumPy 1.x has the same limit.
inline constexpr std::size_t max_dimensions = 32;

/// Layout of one array. A plain value: copy it, compare it, keep it.
///
/// Strides are in bytes. Rows may be padded. In shared memory, strides are never negative and elements never
/// overlap. `bytes` is the memory of the array with the padding at its end. It is at least `extent()`.
struct ArraySpec {
    DType dtype = DType::UInt8;
    ByteOrder byte_order = native_byte_order;
    std::uint32_t ndim = 0;
    std::array<std::uint64_t, max_dimensions> shape{};
    std::array<std::int64_t, max_dimensions> strides{};
    std::uint64_t bytes = 0;

    /// An array in C order without padding.
    /// \throws Error InvalidArgument: there are too many dimensions, the dtype is invalid, or the size is
    /// over 2^62 bytes.
    NDSHARRAY_API static ArraySpec contiguous(DType dtype, std::span<const std::uint64_t> shape,
                                              ByteOrder byte_order = native_byte_order);

    /// An array with the given strides in bytes, one per dimension. No stride may be negative.
    /// \param bytes memory of the array with the padding after its last element. 0 means extent().
    /// \throws Error InvalidArgument: as contiguous(). Also if a stride is negative, elements overlap, or
    /// `bytes` is smaller than the extent.
    NDSHARRAY_API static ArraySpec strided(DType dtype, std::span<const std::uint64_t> shape,
                                           std::span<const std::int64_t> strides, std::uint64_t bytes = 0,
                                           ByteOrder byte_order = native_byte_order);

    /// Number of elements; 1 for a 0-dimensional array. Call this only if problem() is empty.
    NDSHARRAY_API std::uint64_t size() const noexcept;

    /// Bytes from the start of the first element to the end of the last one; 0 if there is no element.
    NDSHARRAY_API std::uint64_t extent() const noexcept;

    /// Whether the elements are in C order without gaps.
    NDSHARRAY_API bool is_contiguous() const noexcept;

    /// Checks all rules for an array in shared memory. Safe for any content of the fields.
    /// \returns an empty string, or one sentence about the first fault.
    NDSHARRAY_API std::string problem() const;

    /// Dtype and shape for display: "uint8 (1080, 1920, 3)".
    NDSHARRAY_API std::string to_string() const;

    NDSHARRAY_API bool operator==(const ArraySpec& other) const noexcept;
};

/// A view of an array: its layout and the address of its first element. Strides may be negative here.
struct ArrayView {
    const void* data = nullptr;
    ArraySpec spec;
};

/// Copies all elements to `to`, in C order without gaps. `to` has room for ArraySpec::contiguous() of that
/// shape.
NDSHARRAY_API void copy_elements(std::byte* to, const ArrayView& from) noexcept;

}  // namespace ndsharray
