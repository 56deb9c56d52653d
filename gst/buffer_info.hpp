// SPDX-License-Identifier: BSD-3-Clause
// What of a GstBuffer crosses beside its pixels: duration, offsets, flags and its place in the stream.
#pragma once

#include <gst/gst.h>

#include <ndsharray/frame_info.hpp>

namespace ndsharray::gst {

/// Describes a buffer. Stream times are running times in `segment`; the instants (`pts`, `dts`) are left
/// unknown, since they need a clock.
FrameInfo frame_info(GstBuffer* buffer, const GstSegment& segment);

/// Gives a new buffer the duration, offsets and flags of a frame, not its times.
void set_buffer_info(GstBuffer* buffer, const FrameInfo& info);

}  // namespace ndsharray::gst
