// SPDX-License-Identifier: BSD-3-Clause
// float128 and complex256 are what the compiler calls long double: other bytes on another processor.
#pragma once

#include <ndsharray/array.hpp>
#include <ndsharray/attributes.hpp>

#include <string>
#include <string_view>

namespace ndsharray::mirror {

/// The attribute of a layout with such elements that names their format.
inline constexpr std::string_view long_double_attribute = "mirror.long-double";

/// Names this processor's format in the attributes of an array that has such elements and comes from a writer
/// here. One that came through other machines has a name already.
void add_long_double(Attributes& attributes, const ArraySpec& spec);

/// Why this processor would read other numbers than were written, as a sentence; empty if it does not. Where
/// no format is named, it is taken for the same.
std::string long_double_problem(const Attributes& attributes, const ArraySpec& spec);

}  // namespace ndsharray::mirror
