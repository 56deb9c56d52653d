// SPDX-License-Identifier: BSD-3-Clause
// What must not cross fork(): descriptors whose locks say that this process lives.
#pragma once

#include "platform.hpp"

#include <cstdint>

namespace ndsharray {

/// How many forks lie between this process and the first that loaded the library. What was made under
/// another count was inherited and belongs to a parent.
std::uint32_t fork_count() noexcept;

/// A descriptor that a forked child closes before fork() returns there, so that a lock on it dies with the
/// process that took it. Never map such a file through it: a mapping would keep the lock alive as well.
class ProcessDescriptor {
  public:
    ProcessDescriptor() noexcept = default;
    explicit ProcessDescriptor(platform::Descriptor file);
    ProcessDescriptor(ProcessDescriptor&& other) noexcept;
    ProcessDescriptor& operator=(ProcessDescriptor&& other) noexcept;
    ~ProcessDescriptor() { close(); }

    explicit operator bool() const noexcept { return number_ >= 0; }
    int number() const noexcept { return number_; }
    void close() noexcept;

  private:
    int number_ = -1;
    std::uint32_t made_under_ = 0;
};

}  // namespace ndsharray
