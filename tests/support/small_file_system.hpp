// SPDX-License-Identifier: BSD-3-Clause
// A file system of a chosen size for tags, as a container has; it takes root to mount one.
#pragma once

#include <ndsharray/tag.hpp>

#include <sched.h>
#include <sys/mount.h>

#include <cstdint>
#include <string>

namespace ndsharray::test {

/// Puts an empty file system, that only this process and its children see, where the tags are.
/// \param size as mount(8) takes it: "64k", "26m". \returns whether that was permitted.
inline bool mount_small_file_system(const std::string& size) {
    const std::string options = "size=" + size;
    return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", "none", MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("tmpfs", directory().c_str(), "tmpfs", 0, options.c_str()) == 0;
}

inline bool mount_small_file_system(std::uint64_t bytes) {
    return mount_small_file_system(std::to_string(bytes));
}

}  // namespace ndsharray::test
