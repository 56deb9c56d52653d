// SPDX-License-Identifier: BSD-3-Clause
// The properties of a GstBuffer that cross with its pixels: times, duration, offsets and flags.
#pragma once

#include <gst/gst.h>

#include <ndsharray/frame_info.hpp>

#include "time/pipeline_clock.hpp"

namespace ndsharray::gst {

/// Describes a buffer. `time` is the time of its pipeline. The stream times are running times in `segment`.
/// The instants are those at which a sink shows the buffer, `latency` nanoseconds later.
FrameInfo frame_info(GstBuffer* buffer, const GstSegment& segment, const PipelineTime& time,
                     GstClockTime latency);

/// Gives a new buffer the duration, offsets and flags of a frame. Its PTS and DTS are for Timestamps.
void set_buffer_info(GstBuffer* buffer, const FrameInfo& info);

}  // namespace ndsharray::gst
