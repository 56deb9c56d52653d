// SPDX-License-Identifier: BSD-3-Clause
// The price of one copy: memcpy of a frame, inside one process.
#pragma once

#include <cstddef>

#include "plan.hpp"

namespace ndsharray::bench {

/// Copies frames for so many seconds, from and to `pairs` different places in turn: with one pair, whatever
/// cache a frame fits in helps; with as many as a sink has slots, only what such a sink would have as well.
/// \returns the duration of each copy as a latency.
SideResult copy_frames(std::size_t bytes, unsigned pairs, double seconds);

}  // namespace ndsharray::bench
