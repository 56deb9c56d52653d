// SPDX-License-Identifier: BSD-3-Clause
// What must not cross fork(): descriptors whose locks say that this process lives.
#pragma once

#include "platform/platform.hpp"

#include <cstdint>
#include <string>

namespace ndsharray {

/// How many forks lie between this process and the first that loaded the library. What was made under
/// another count was inherited and belongs to a parent.
std::uint32_t fork_count() noexcept;

/// Keeps what a child inherited and must not destroy, so that leak checkers know of it.
void leave_alone(const void* inherited) noexcept;

struct OpenedToLock;

/// A descriptor that a forked child closes before fork() returns there, so that a lock on it dies with the
/// process that took it. Never map such a file through it: a mapping would keep the lock alive as well.
class ProcessDescriptor {
  public:
    ProcessDescriptor() noexcept = default;
    ProcessDescriptor(ProcessDescriptor&& other) noexcept = default;
    ProcessDescriptor& operator=(ProcessDescriptor&& other) noexcept;
    ~ProcessDescriptor() { close(); }

    /// Opens an existing file for reading and writing. No other thread can fork between that and the note to
    /// close it in the child: what is inherited in between would never be closed there, and so keep a lock
    /// that is taken later.
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

/// An opened file, or the errno that says why not.
struct OpenedToLock {
    ProcessDescriptor file;
    int error = 0;
};

}  // namespace ndsharray
