// SPDX-License-Identifier: BSD-3-Clause
// Waiting for a condition with a deadline.
#pragma once

#include <chrono>
#include <cstdlib>
#include <thread>

namespace ndsharray::test {

/// How long a test waits for what must happen. Reached only by a test that fails. Under a tool that makes
/// everything slow, TEST_PATIENCE says how many times longer.
inline const std::chrono::seconds patience = [] {
    const char* times = std::getenv("TEST_PATIENCE");
    return std::chrono::seconds(10) * (times != nullptr ? std::atoi(times) : 1);
}();

/// A promised bound, as far as it can be asserted on a machine that is busy with other tests.
constexpr std::chrono::milliseconds with_tolerance(std::chrono::milliseconds bound) {
    return bound * 3;
}

/// How long a call takes.
template <typename Call>
std::chrono::nanoseconds time_of(Call&& call) {
    const auto begin = std::chrono::steady_clock::now();
    call();
    return std::chrono::steady_clock::now() - begin;
}

/// Looks at `condition` until it holds. \returns whether it did before the deadline.
template <typename Condition>
bool wait_until(Condition&& condition, std::chrono::nanoseconds timeout = patience) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= deadline)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

}  // namespace ndsharray::test
