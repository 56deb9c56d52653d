// SPDX-License-Identifier: BSD-3-Clause
// The properties of a GstBuffer that cross with its pixels: times, duration, offsets and flags.
#include "time/buffer_info.hpp"

#include <gst/video/video.h>

#include <limits>

namespace ndsharray::gst {
namespace {

// Flags of the picture and of its place in the stream. Flags of the buffer's own memory (TAG_MEMORY,
// SYNC_AFTER) do not cross: that memory stays here.
constexpr std::uint32_t content_flags =
    GST_BUFFER_FLAG_LIVE | GST_BUFFER_FLAG_DECODE_ONLY | GST_BUFFER_FLAG_DISCONT | GST_BUFFER_FLAG_RESYNC |
    GST_BUFFER_FLAG_CORRUPTED | GST_BUFFER_FLAG_MARKER | GST_BUFFER_FLAG_HEADER | GST_BUFFER_FLAG_GAP |
    GST_BUFFER_FLAG_DROPPABLE | GST_BUFFER_FLAG_DELTA_UNIT | GST_BUFFER_FLAG_NON_DROPPABLE |
    GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_TFF | GST_VIDEO_BUFFER_FLAG_RFF |
    GST_VIDEO_BUFFER_FLAG_ONEFIELD | GST_VIDEO_BUFFER_FLAG_MULTIPLE_VIEW |
    GST_VIDEO_BUFFER_FLAG_FIRST_IN_BUNDLE;

std::int64_t from_clock_time(GstClockTime time) {
    constexpr auto most = static_cast<GstClockTime>(std::numeric_limits<std::int64_t>::max());
    return time <= most ? static_cast<std::int64_t>(time) : no_time;
}

std::int64_t running_time(const GstSegment& segment, GstClockTime time) {
    if (!GST_CLOCK_TIME_IS_VALID(time) || segment.format != GST_FORMAT_TIME) {
        return no_time;
    }
    guint64 magnitude = 0;
    const gint sign = gst_segment_to_running_time_full(&segment, GST_FORMAT_TIME, time, &magnitude);
    const std::int64_t value = from_clock_time(magnitude);
    if (sign == 0 || value == no_time) {
        return no_time;
    }
    return sign > 0 ? value : -value;
}

}  // namespace

FrameInfo frame_info(GstBuffer* buffer, const GstSegment& segment, const PipelineTime& time,
                     GstClockTime latency) {
    FrameInfo info;
    info.stream_pts = running_time(segment, GST_BUFFER_PTS(buffer));
    info.stream_dts = running_time(segment, GST_BUFFER_DTS(buffer));
    info.pts = time.instant(info.stream_pts, static_cast<std::int64_t>(latency));
    info.dts = time.instant(info.stream_dts, static_cast<std::int64_t>(latency));
    info.duration = from_clock_time(GST_BUFFER_DURATION(buffer));
    info.offset = GST_BUFFER_OFFSET(buffer);
    info.offset_end = GST_BUFFER_OFFSET_END(buffer);
    info.flags = GST_BUFFER_FLAGS(buffer) & content_flags;
    return info;
}

void set_buffer_info(GstBuffer* buffer, const FrameInfo& info) {
    static_assert(no_offset == GST_BUFFER_OFFSET_NONE);
    GST_BUFFER_DURATION(buffer) =
        info.duration >= 0 ? static_cast<GstClockTime>(info.duration) : GST_CLOCK_TIME_NONE;
    GST_BUFFER_OFFSET(buffer) = info.offset;
    GST_BUFFER_OFFSET_END(buffer) = info.offset_end;
    gst_buffer_set_flags(buffer, static_cast<GstBufferFlags>(info.flags & content_flags));
}

}  // namespace ndsharray::gst
