// SPDX-License-Identifier: BSD-3-Clause
// A file system of a chosen size for tags, as a container has; it takes root to mount one.
#pragma once

#include <ndsharray/tag.hpp>

#include <sched.h>
#include <sys/mount.h>

#include <cstdint>
#include <string>

namespace ndsharray::test {

/// Puts an empty file system of this size, that only this process sees, where the tags are.
/// \returns whether that was permitted.
inline bool mount_small_file_system(std::uint64_t bytes) {
    const std::string size = "size=" + std::to_string(bytes);
    return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", "none", MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("tmpfs", directory().c_str(), "tmpfs", 0, size.c_str()) == 0;
}

}  // namespace ndsharray::test
