// SPDX-License-Identifier: BSD-3-Clause
// One line on the terminal that says how far a command is.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace ndsharray::cli {

/// Drawn in place on standard error, ten times a second at most; nothing where that is no terminal. Gone when
/// destroyed.
class Progress {
  public:
    /// \param goal how many frames there will be; 0: nobody knows, so there is no bar.
    Progress(std::string title, std::uint64_t goal);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void show(std::uint64_t frames, std::uint64_t bytes);

    /// Removes the line, so that something else can be said.
    void clear();

  private:
    using Clock = std::chrono::steady_clock;

    std::string line(std::uint64_t frames, std::uint64_t bytes, std::size_t width) const;

    const std::string title_;
    const std::uint64_t goal_;
    const bool shown_;
    const Clock::time_point start_ = Clock::now();
    Clock::time_point next_ = start_;
    bool drawn_ = false;
};

}  // namespace ndsharray::cli
