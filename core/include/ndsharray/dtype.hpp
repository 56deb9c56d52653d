// SPDX-License-Identifier: BSD-3-Clause
// The element types of arrays, with NumPy's names and sizes.
#pragma once

#include <ndsharray/export.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ndsharray {

/// Element type of an array. The values are part of the shared-memory format and never change.
enum class DType : std::uint32_t {
    Int8 = 0,
    Int16 = 1,
    Int32 = 2,
    Int64 = 3,
    UInt8 = 4,
    UInt16 = 5,
    UInt32 = 6,
    UInt64 = 7,
    Float16 = 8,
    Float32 = 9,
    Float64 = 10,
    Float128 = 11,    ///< `long double` padded to 16 bytes, in the format of the platform
    Complex64 = 12,   ///< two Float32
    Complex128 = 13,  ///< two Float64
    Complex256 = 14,  ///< two Float128
    Bool = 15,        ///< one byte, 0 or 1
};

/// Number of element types. Their values are 0 to dtype_count - 1.
inline constexpr std::uint32_t dtype_count = 16;

/// Byte order of elements wider than a byte.
enum class ByteOrder : std::uint32_t { Little = 0, Big = 1 };

/// The byte order of this machine.
inline constexpr ByteOrder native_byte_order =
    __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? ByteOrder::Big : ByteOrder::Little;

/// Bytes of one element; 0 if the value is not a DType.
NDSHARRAY_API std::size_t item_size(DType dtype) noexcept;

/// NumPy's name of the type, such as "uint8"; "invalid" if the value is not a DType.
NDSHARRAY_API std::string_view name(DType dtype) noexcept;

}  // namespace ndsharray
