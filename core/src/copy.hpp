// SPDX-License-Identifier: BSD-3-Clause
// Copying an array of any strides into one in C order.
#pragma once

#include <ndsharray/array.hpp>

#include <cstddef>

namespace ndsharray {

/// C-order layout of an array with the same dtype, byte order and shape; its strides may be anything.
/// \throws Error InvalidArgument as ArraySpec::contiguous.
ArraySpec contiguous_like(const ArraySpec& spec);

/// Copies all elements in C order, without gaps.
void copy_elements(std::byte* to, const ArrayView& from) noexcept;

}  // namespace ndsharray
