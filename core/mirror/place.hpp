// SPDX-License-Identifier: BSD-3-Clause
// Which folder of tags this is, and the way that a tag's arrays have come through such folders.
#pragma once

#include <ndsharray/attributes.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace ndsharray::mirror {

/// The attribute of a mirrored tag that names the places it came through, oldest first, between blanks.
inline constexpr std::string_view route_attribute = "mirror.route";

/// 16 hexadecimal digits of this machine and the folder of its tags; the same for all processes that share
/// it.
std::string this_place();

/// The name of this machine, in printable ASCII.
std::string host_name();

/// Whether a tag with these attributes has been at a place.
bool has_been_at(const Attributes& attributes, std::string_view place);

/// Adds a place to the end of the way.
void add_place(Attributes& attributes, std::string_view place);

/// 64 bits of a text, the same everywhere (FNV-1a).
std::uint64_t digest(std::string_view text);

}  // namespace ndsharray::mirror
