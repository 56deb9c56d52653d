// SPDX-License-Identifier: BSD-3-Clause
// Tags: the names both sides agree on, and the directory their files live in.
#pragma once

#include <ndsharray/export.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ndsharray {

/// The most characters a tag may have.
inline constexpr std::size_t max_tag_length = 128;

/// Checks a tag: 1 to 128 of [A-Za-z0-9._-], not starting with '.', and not ending like one of the files
/// beside a tag (".readers", or "." and 32 lowercase hex digits).
/// \returns an empty string, or a sentence that says what is wrong and what is allowed.
NDSHARRAY_API std::string tag_problem(std::string_view tag);

/// Where the files of all tags live: $NDSHARRAY_DIR, or /dev/shm. Read anew at every call.
NDSHARRAY_API std::string directory();

/// Why there can be no tags in a directory now, as a sentence: there is none. Empty if there can. Who waits
/// for a tag there is woken when it is made.
NDSHARRAY_API std::string directory_problem(const std::string& path = directory());

/// Tags with a living writer, of this process's user or root; sorted. Not those only of the package 1.x,
/// which does not say who lives. \throws Error if directory() is there but cannot be listed.
NDSHARRAY_API std::vector<std::string> tags();

}  // namespace ndsharray
