// SPDX-License-Identifier: BSD-3-Clause
// Parts of a test that run in a process of their own: the test binary started again in a role.
#pragma once

#include <support/wait.hpp>

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace ndsharray::test {

/// Messages between a test and a process it started.
class Channel {
  public:
    /// Takes over the descriptor of a SOCK_SEQPACKET socket.
    explicit Channel(int descriptor) noexcept : descriptor_(descriptor) {}
    ~Channel();
    Channel(Channel&& other) noexcept;
    Channel& operator=(Channel&& other) noexcept;
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    int descriptor() const noexcept { return descriptor_; }

    /// \throws std::runtime_error if the other side is gone.
    void send(const std::string& message);

    /// The next message, or nothing if the other side is gone; without a timeout waits for ever.
    /// \throws std::runtime_error if none came in time.
    std::optional<std::string> receive(std::optional<std::chrono::milliseconds> timeout = patience);

  private:
    int descriptor_;
};

using Arguments = std::vector<std::string>;

/// What a started process does; its result is the exit code. An exception becomes exit code 1.
using Role = int (*)(Channel& channel, const Arguments& arguments);

/// Gives a role its name: `const RegisteredRole reader_role("reader", run_reader);` at namespace scope.
class RegisteredRole {
  public:
    RegisteredRole(const char* name, Role role);
};

/// Runs the role that the command line asks for. \returns its exit code, or nothing without a role.
std::optional<int> run_role(int argc, char** argv);

/// A process that plays a role. Killed and reaped when destroyed; it dies with its parent.
class ChildProcess {
  public:
    explicit ChildProcess(const std::string& role, const Arguments& arguments = {});
    ~ChildProcess();
    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess& operator=(ChildProcess&& other) noexcept;
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    pid_t pid() const noexcept { return pid_; }
    Channel& channel() noexcept { return channel_; }

    /// Ends it as `kill -9` does; it is gone when this returns.
    void kill() noexcept;

    /// Its exit code, or minus the signal that ended it.
    /// \throws std::runtime_error if it did not end in time.
    int wait_for_exit(std::chrono::nanoseconds timeout = patience);

  private:
    Channel channel_;
    pid_t pid_ = -1;
};

}  // namespace ndsharray::test
