// SPDX-License-Identifier: BSD-3-Clause
// A reader in a process of its own that outlives writers and other readers, and looks at every pixel it gets.
#pragma once

#include <ndsharray/reader.hpp>

#include <support/child_process.hpp>

#include <cstdint>
#include <string>

namespace ndsharray::test {

/// Frames of at least so many bytes are marks: a Follower tells that it saw one.
inline constexpr std::uint64_t smallest_mark = 50'000;

class Follower {
  public:
    Follower(const std::string& tag, ReadMode mode);

    /// Waits until it saw a frame of so many bytes, newer than the last it was asked for.
    /// \throws std::runtime_error if it does not, or got a frame that was not whole.
    void await_mark(std::uint64_t bytes);

  private:
    ChildProcess process_;
};

}  // namespace ndsharray::test
