// SPDX-License-Identifier: BSD-3-Clause
// Finds and removes the files of crashed writers.
#pragma once

#include <ndsharray/error.hpp>
#include <ndsharray/export.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace ndsharray {

/// A file that belongs to no living writer.
struct LeftoverFile {
    std::string name;         ///< in directory()
    std::uint64_t bytes = 0;  ///< memory that it occupies
};

/// The files that a dead writer left of a tag.
struct Leftovers {
    std::string tag;
    std::vector<LeftoverFile> files;  ///< sorted by name
};

/// Lists the files that dead writers of this user left in directory(), by tag: control files, reader tables,
/// segments, unfinished files, and files for the Python package 1.x. Changes nothing. A new writer may take a
/// tag over at any moment.
/// \throws Error as tags() does.
NDSHARRAY_API std::vector<Leftovers> find_leftovers();

/// Removes the files that a dead writer left of a tag. This is safe at any time: it takes the tag as a writer
/// does. A writer that starts meanwhile waits until this is done. Attached readers get Disconnected and wait
/// for the next writer. Files of other users, and everything that is not a regular file, stay.
/// \returns the removed files; none if a writer lives.
/// \throws Error InvalidTag, PermissionDenied, WrongOwner, NotRegular, UnsupportedVersion, Damaged, NoSpace,
/// TooManyFiles, OutOfMemory, System. If the error is about the control file, nothing was removed.
NDSHARRAY_API Leftovers remove_leftovers(const std::string& tag);

}  // namespace ndsharray
