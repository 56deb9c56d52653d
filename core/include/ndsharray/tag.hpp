// SPDX-License-Identifier: BSD-3-Clause
// Tags: the names that both sides agree on, and the directory of their files.
#pragma once

#include <ndsharray/export.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ndsharray {

/// Largest length of a tag in characters.
inline constexpr std::size_t max_tag_length = 128;

/// Checks a tag. A tag has 1 to 128 characters of [A-Za-z0-9._-]. It does not start with '.'. It does not end
/// as the other files of a tag do: with ".readers", or with "." and 32 lowercase hex digits.
/// \returns an empty string, or a sentence that names the fault and the rule.
NDSHARRAY_API std::string tag_problem(std::string_view tag);

/// The directory of the files of all tags: $NDSHARRAY_DIR, or /dev/shm. Each call reads the variable again.
NDSHARRAY_API std::string directory();

/// A sentence if the directory is missing, so that there can be no tags; otherwise an empty string. A Reader
/// that waits for a tag wakes up when the directory is made.
NDSHARRAY_API std::string directory_problem(const std::string& path = directory());

/// Sorted names of the tags of this process's user or of root that have a living writer. Tags of the Python
/// package 1.x are left out, because their files do not say whether the writer lives.
/// \throws Error if directory() exists but cannot be listed.
NDSHARRAY_API std::vector<std::string> tags();

}  // namespace ndsharray
