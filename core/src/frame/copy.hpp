// SPDX-License-Identifier: BSD-3-Clause
// The C-order layout an array of any strides is copied into.
#pragma once

#include <ndsharray/array.hpp>

namespace ndsharray {

/// C-order layout of an array with the same dtype, byte order and shape; its strides may be anything.
/// \throws Error InvalidArgument as ArraySpec::contiguous.
ArraySpec contiguous_like(const ArraySpec& spec);

}  // namespace ndsharray
