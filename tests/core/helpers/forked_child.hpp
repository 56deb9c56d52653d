// SPDX-License-Identifier: BSD-3-Clause
// How a forked child ends.
#pragma once

#include <support/wait.hpp>

#include <sys/wait.h>

#include <chrono>
#include <csignal>

namespace ndsharray::test {

/// Waits for a child to end, and kills one that does not. \returns whether it ended well.
inline bool ends_well(pid_t child, std::chrono::seconds timeout) {
    int status = 0;
    if (!wait_until([&] { return ::waitpid(child, &status, WNOHANG) == child; }, timeout)) {
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
        return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace ndsharray::test
