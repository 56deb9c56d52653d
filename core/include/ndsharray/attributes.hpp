// SPDX-License-Identifier: BSD-3-Clause
// A small map of strings that belongs to a segment, beside its array layout.
#pragma once

#include <ndsharray/export.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <string>

namespace ndsharray {

/// Keys and values that describe all frames of a segment. The library does not interpret them. The GStreamer
/// elements keep their caps under "caps".
using Attributes = std::map<std::string, std::string, std::less<>>;

/// Largest size of all keys and values of a segment together, in bytes.
inline constexpr std::size_t max_attribute_bytes = 64 * 1024;

}  // namespace ndsharray
