// SPDX-License-Identifier: BSD-3-Clause
// A program of GStreamer's, such as gst-inspect-1.0, and what it prints.
#pragma once

#include <support/child_process.hpp>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace ndsharray::test {

/// Killed when destroyed. To be used in tests that have a TemporaryDirectory, beside which its output is
/// kept.
class Program {
  public:
    /// Found on the PATH.
    explicit Program(const std::vector<std::string>& words);
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    ChildProcess& process() noexcept { return process_; }

    /// What it printed so far, errors too.
    std::string output() const;

    /// Waits until it prints this.
    bool prints(const std::string& text) const;

    /// What it printed in all; fails the test if its exit code is not 0.
    std::string to_its_end();

  private:
    std::filesystem::path file_;
    ChildProcess process_;
};

}  // namespace ndsharray::test
