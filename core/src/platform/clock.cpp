// SPDX-License-Identifier: BSD-3-Clause
// The clock of all times and deadlines.
#include "platform/clock.hpp"

#include <algorithm>
#include <ctime>

namespace ndsharray::platform {

std::int64_t monotonic_now() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

Deadline deadline_after(std::optional<Nanoseconds> timeout) noexcept {
    if (!timeout)
        return std::nullopt;
    const auto now = std::chrono::steady_clock::now();
    if (*timeout > std::chrono::steady_clock::time_point::max() - now)
        return std::nullopt;
    return now + std::max(*timeout, Nanoseconds{0});
}

Deadline no_later_than(Deadline deadline, Nanoseconds at_most) noexcept {
    const auto limit = std::chrono::steady_clock::now() + at_most;
    return deadline ? std::min(*deadline, limit) : limit;
}

bool has_passed(const Deadline& deadline) noexcept {
    return deadline && std::chrono::steady_clock::now() >= *deadline;
}

}  // namespace ndsharray::platform
