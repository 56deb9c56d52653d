// SPDX-License-Identifier: BSD-3-Clause
// Instants of CLOCK_MONOTONIC, in nanoseconds.
#pragma once

#include <chrono>
#include <cstdint>

namespace ndsharray::test {

using Instant = std::int64_t;

inline constexpr Instant second = 1'000'000'000;

inline Instant monotonic_now() {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

}  // namespace ndsharray::test
