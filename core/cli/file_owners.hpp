// SPDX-License-Identifier: BSD-3-Clause
// The users who have files of tags, and acting as one of them.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace ndsharray::cli {

struct FileOwner {
    uid_t user = 0;
    gid_t group = 0;   ///< the user's, or of one of the files where the machine does not know the user
    std::string name;  ///< or number
};

/// Who has files in there whose names are those of a tag's; each once.
/// \throws std::system_error: the directory cannot be read.
std::vector<FileOwner> file_owners(const std::string& directory);

/// Lets root be somebody else for what files it may touch, until it goes out of scope.
class ActingAs {
  public:
    /// \throws std::system_error: not permitted.
    explicit ActingAs(const FileOwner& owner);
    ~ActingAs();
    ActingAs(const ActingAs&) = delete;
    ActingAs& operator=(const ActingAs&) = delete;
};

}  // namespace ndsharray::cli
