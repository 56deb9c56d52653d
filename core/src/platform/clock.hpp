// SPDX-License-Identifier: BSD-3-Clause
// The clock of all times and deadlines.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace ndsharray::platform {

using Nanoseconds = std::chrono::nanoseconds;
using Deadline = std::optional<std::chrono::steady_clock::time_point>;  // nothing: no deadline

/// CLOCK_MONOTONIC in nanoseconds.
std::int64_t monotonic_now() noexcept;

/// The deadline `timeout` from now. Nothing if there is no timeout, or if the clock cannot count so far.
Deadline deadline_after(std::optional<Nanoseconds> timeout) noexcept;

/// The earlier of a deadline and `at_most` from now.
Deadline no_later_than(Deadline deadline, Nanoseconds at_most) noexcept;

bool has_passed(const Deadline& deadline) noexcept;

}  // namespace ndsharray::platform
