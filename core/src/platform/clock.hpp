// SPDX-License-Identifier: BSD-3-Clause
// The clock that all times and deadlines are on.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace ndsharray::platform {

using Nanoseconds = std::chrono::nanoseconds;
using Deadline = std::optional<std::chrono::steady_clock::time_point>;  // nothing: never

/// CLOCK_MONOTONIC in nanoseconds.
std::int64_t monotonic_now() noexcept;

/// Deadline that lies `timeout` from now; nothing for no timeout and for one beyond what clocks count.
Deadline deadline_after(std::optional<Nanoseconds> timeout) noexcept;

/// The earlier of a deadline and `at_most` from now.
Deadline no_later_than(Deadline deadline, Nanoseconds at_most) noexcept;

bool has_passed(const Deadline& deadline) noexcept;

}  // namespace ndsharray::platform
