// SPDX-License-Identifier: BSD-3-Clause
// The exception type of the library: a code for programs and a sentence for people.
#pragma once

#include <ndsharray/export.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace ndsharray {

/// What went wrong. Every failure has a name.
enum class ErrorCode {
    None = 0,
    InvalidTag,          ///< the tag is empty, is too long or has a character that is not allowed
    InvalidArgument,     ///< an option or an array layout is not valid
    TagInUse,            ///< another live writer owns the tag
    NoSuchTag,           ///< nobody writes the tag, and no dead writer left its files
    PermissionDenied,    ///< the file exists, but this process may not open it
    WrongOwner,          ///< the file does not belong to the expected user
    NotRegular,          ///< a symlink, directory, FIFO or device is in the place of the file
    UnsupportedVersion,  ///< an incompatible version of this library made the file
    Damaged,             ///< the file is truncated or inconsistent, or this library did not make it
    NoSpace,             ///< the shared-memory file system is too full
    TooManyFiles,        ///< the process or the system has no file descriptor left
    OutOfMemory,         ///< memory cannot be allocated or mapped
    Forked,              ///< a Writer or Reader inherited through fork() was used in the child
    Closed,              ///< the Writer is closed already
    System,              ///< another system call failed
};

/// Name of the code, such as "TagInUse".
NDSHARRAY_API std::string_view name(ErrorCode code) noexcept;

/// Functions that open, configure or close throw this. The functions for each frame never throw.
/// `what()` is a sentence. It names the fault, the file or tag, and what to do.
class NDSHARRAY_API Error : public std::runtime_error {
  public:
    Error(ErrorCode code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}
    ~Error() override;

    ErrorCode code() const noexcept { return code_; }

  private:
    ErrorCode code_;
};

}  // namespace ndsharray
