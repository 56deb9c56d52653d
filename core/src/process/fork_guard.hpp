// SPDX-License-Identifier: BSD-3-Clause
// fork(): a child must not keep the descriptors whose locks show that its parent lives.
#pragma once

#include "platform/platform.hpp"

#include <cstdint>
#include <string>

namespace ndsharray {

/// Number of forks between this process and the first one that loaded the library. An object that was made
/// under another count was inherited, and belongs to a parent.
std::uint32_t fork_count() noexcept;

/// Keeps an object that a child inherited and must not destroy. So leak checkers find it.
void leave_alone(const void* inherited) noexcept;

struct OpenedToLock;

/// A descriptor that a forked child closes before fork() returns there. So a lock on it ends with the process
/// that took it. Never map a file through it: the mapping would keep the lock, too.
class ProcessDescriptor {
  public:
    ProcessDescriptor() noexcept = default;
    ProcessDescriptor(ProcessDescriptor&& other) noexcept = default;
    ProcessDescriptor& operator=(ProcessDescriptor&& other) noexcept;
    ~ProcessDescriptor() { close(); }

    /// Opens an existing file for reading and writing. No other thread can fork before the descriptor is
    /// noted: otherwise the child would never close it, and would keep a lock that is taken later.
    static OpenedToLock open(const std::string& path);

    explicit operator bool() const noexcept { return static_cast<bool>(file_); }
    int number() const noexcept { return file_.number(); }
    const platform::Descriptor& file() const noexcept { return file_; }
    void close() noexcept;

  private:
    explicit ProcessDescriptor(platform::Descriptor file) noexcept;

    platform::Descriptor file_;
    std::uint32_t made_under_ = 0;
};

/// An open file, or an errno.
struct OpenedToLock {
    ProcessDescriptor file;
    int error = 0;
};

}  // namespace ndsharray
