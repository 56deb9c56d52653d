// SPDX-License-Identifier: BSD-3-Clause
// The small string map a segment carries beside its array layout.
#pragma once

#include <ndsharray/export.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <string>

namespace ndsharray {

/// Keys and values that describe every frame of a segment. The core never looks inside; the GStreamer
/// elements keep their caps under "caps".
using Attributes = std::map<std::string, std::string, std::less<>>;

/// The most bytes all keys and values of a segment may have together.
inline constexpr std::size_t max_attribute_bytes = 64 * 1024;

}  // namespace ndsharray
