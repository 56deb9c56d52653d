// SPDX-License-Identifier: BSD-3-Clause
// One element of an array as a number.
#pragma once

#include <ndsharray/array.hpp>

#include <cstddef>

namespace ndsharray::serve {

/// Reads an element of one dtype and byte order; of a complex one the magnitude. Rounds past 2^53.
using ReadElement = double (*)(const std::byte*);

ReadElement element_reader(DType dtype, ByteOrder order);

/// Of a complex element, its real and imaginary part as an element each.
DType part_of(DType dtype);
bool is_complex(DType dtype);

/// A Float128 that a process of this kind of processor wrote; NaN where `long double` is no longer than
/// double.
long double long_double(const std::byte* from, ByteOrder order);

/// Copies one part of a number in this machine's order.
void copy_native(std::byte* to, const std::byte* from, std::size_t bytes, ByteOrder order);

}  // namespace ndsharray::serve
