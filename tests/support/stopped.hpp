// SPDX-License-Identifier: BSD-3-Clause
// A process that does not run for a while, as Ctrl-Z does it.
#pragma once

#include <sys/types.h>

namespace ndsharray::test {

/// Stops a process, wherever it is, for as long as this lives.
class Stopped {
  public:
    /// Returns when it runs no more. \throws std::runtime_error if it does not stop.
    explicit Stopped(pid_t process);
    ~Stopped();
    Stopped(const Stopped&) = delete;
    Stopped& operator=(const Stopped&) = delete;

  private:
    pid_t process_;
};

}  // namespace ndsharray::test
