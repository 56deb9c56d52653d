// SPDX-License-Identifier: BSD-3-Clause
// The one exception type: a code a program can act on and a sentence a person can act on.
#pragma once

#include <ndsharray/export.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace ndsharray {

/// What went wrong. Every failure has a name.
enum class ErrorCode {
    None = 0,
    InvalidTag,          ///< the tag is empty, too long or has characters that are not allowed
    InvalidArgument,     ///< an option or array layout that cannot be
    TagInUse,            ///< another live writer owns the tag
    NoSuchTag,           ///< nobody writes the tag, and no dead writer left its files
    PermissionDenied,    ///< the file exists and may not be opened
    WrongOwner,          ///< the file belongs to a user who was not expected
    NotRegular,          ///< a symlink, directory, FIFO or device where a file should be
    UnsupportedVersion,  ///< made by an incompatible version of this library
    Damaged,             ///< truncated, inconsistent or not ours at all
    NoSpace,             ///< the shared-memory file system is too full
    TooManyFiles,        ///< the process or the system is out of file descriptors
    OutOfMemory,         ///< the memory cannot be mapped
    Forked,              ///< a Writer or Reader inherited through fork() was used in the child
    Closed,              ///< the Writer was closed before
    System,              ///< any other system call that failed
};

/// Name of the code, such as "TagInUse".
NDSHARRAY_API std::string_view name(ErrorCode code) noexcept;

/// Thrown by whatever opens, configures or closes; never on the per-frame path.
/// `what()` is a sentence that says what is wrong, where, and what to do.
class NDSHARRAY_API Error : public std::runtime_error {
  public:
    Error(ErrorCode code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}
    ~Error() override;

    ErrorCode code() const noexcept { return code_; }

  private:
    ErrorCode code_;
};

}  // namespace ndsharray
