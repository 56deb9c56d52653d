// SPDX-License-Identifier: BSD-3-Clause
// What crashed writers left behind, and removing it.
#pragma once

#include <ndsharray/error.hpp>
#include <ndsharray/export.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace ndsharray {

/// A file that no living writer has.
struct LeftoverFile {
    std::string name;         ///< in directory()
    std::uint64_t bytes = 0;  ///< memory it occupies
};

/// What a dead writer left of a tag.
struct Leftovers {
    std::string tag;
    std::vector<LeftoverFile> files;  ///< sorted by name
};

/// What dead writers of this process's user left in directory(), by tag: control files, tables of readers,
/// segments, half-made files, and files of the Python package 1.x that a writer of this library made. Only
/// looks; a writer may take any of it over the next moment. \throws Error as tags() does.
NDSHARRAY_API std::vector<Leftovers> find_leftovers();

/// Removes what a dead writer left of a tag. Safe whatever else goes on: the tag is taken like a writer takes
/// it, and while it is, no writer can start; one that tries meanwhile starts right after. Readers that were
/// attached learn that the writer left, and go on to the next one. Files of other users are not touched, nor
/// what is no regular file. \returns what was removed; nothing if a writer lives. \throws Error InvalidTag,
/// PermissionDenied, WrongOwner, NotRegular, UnsupportedVersion, Damaged, NoSpace, TooManyFiles, OutOfMemory,
/// System; those about the control file mean that nothing was removed.
NDSHARRAY_API Leftovers remove_leftovers(const std::string& tag);

}  // namespace ndsharray
