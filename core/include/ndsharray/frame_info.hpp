// SPDX-License-Identifier: BSD-3-Clause
// What travels with a frame's pixels: its times, its place in the stream, its flags.
#pragma once

#include <ndsharray/export.hpp>

#include <cstdint>
#include <limits>

namespace ndsharray {

/// A time that is not known.
inline constexpr std::int64_t no_time = std::numeric_limits<std::int64_t>::min();

/// An offset that is not known.
inline constexpr std::uint64_t no_offset = std::numeric_limits<std::uint64_t>::max();

/// Description of one frame, given to Writer::publish and found in Frame::info(). Times in nanoseconds.
/// The core fills `number` and `published`; all the rest crosses unchanged and uninterpreted.
struct FrameInfo {
    std::uint64_t number = 0;              ///< frame number, from 1, set when published
    std::int64_t published = no_time;      ///< CLOCK_MONOTONIC instant of publication
    std::int64_t pts = no_time;            ///< CLOCK_MONOTONIC instant at which the frame is to be shown
    std::int64_t dts = no_time;            ///< CLOCK_MONOTONIC instant at which it is to be decoded
    std::int64_t stream_pts = no_time;     ///< the same as position in the writer's stream (running time)
    std::int64_t stream_dts = no_time;     ///< the same for dts
    std::int64_t duration = no_time;       ///< how long it is to be shown
    std::uint64_t offset = no_offset;      ///< position in the writer's stream, in its own units
    std::uint64_t offset_end = no_offset;  ///< position of the frame's end
    std::uint32_t flags = 0;               ///< the writer's own; the elements keep GstBufferFlags here
    std::uint32_t reserved = 0;
};

}  // namespace ndsharray
