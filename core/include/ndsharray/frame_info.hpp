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

/// Description of one frame. The program gives it to Writer::publish, and readers find it in Frame::info().
/// Times are in nanoseconds. The library sets `number` and `published`. It passes all other fields on
/// unchanged and does not interpret them.
struct FrameInfo {
    std::uint64_t number = 0;              ///< frame number from 1; publish() sets it
    std::int64_t published = no_time;      ///< CLOCK_MONOTONIC instant of publication
    std::int64_t pts = no_time;            ///< CLOCK_MONOTONIC instant at which the frame is to be shown
    std::int64_t dts = no_time;            ///< CLOCK_MONOTONIC instant at which the frame is to be decoded
    std::int64_t stream_pts = no_time;     ///< pts as a position in the writer's stream (running time)
    std::int64_t stream_dts = no_time;     ///< dts as a position in the writer's stream
    std::int64_t duration = no_time;       ///< how long the frame is to be shown
    std::uint64_t offset = no_offset;      ///< position in the writer's stream, in the writer's unit
    std::uint64_t offset_end = no_offset;  ///< position of the frame's end
    std::uint32_t flags = 0;               ///< defined by the writer; the elements keep GstBufferFlags here
    std::uint32_t reserved = 0;
};

}  // namespace ndsharray
