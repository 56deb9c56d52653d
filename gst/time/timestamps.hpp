// SPDX-License-Identifier: BSD-3-Clause
// Which PTS, DTS and segment a frame gets in the pipeline of its reader. Time of a segment never runs back:
// this is the place that guarantees it, for every way to get a PTS.
#pragma once

#include <gst/gst.h>

#include <ndsharray/frame_info.hpp>

#include <cstdint>
#include <optional>

#include "time/pipeline_clock.hpp"

namespace ndsharray::gst {

/// How a frame gets its PTS.
enum class TimestampMode {
    Auto,     ///< Stream where the writer has backpressure, else Clock
    Clock,    ///< the same instant as in the writer's pipeline
    Stream,   ///< the writer's running time, as it is
    Arrival,  ///< when it was read
};

/// Gives the frames of a reader their times, one after the other.
class Timestamps {
  public:
    struct Stamp {
        GstClockTime pts = GST_CLOCK_TIME_NONE;
        GstClockTime dts = GST_CLOCK_TIME_NONE;

        /// Set where the frame needs another segment than the one before it.
        std::optional<GstSegment> segment;

        /// How long after its PTS the frame came; nothing where that says nothing of the transport.
        std::optional<std::int64_t> lateness;
    };

    /// Another stream begins: its times need not continue the last one's. In running time it does not begin
    /// before the last frame.
    void restart();

    /// \param mode not Auto
    Stamp next(const FrameInfo& info, TimestampMode mode, const PipelineTime& time);

    /// For a frame that was there before and is pushed again now. It is later than all before it, and those
    /// after it are later than it is.
    Stamp repeat(const PipelineTime& time);

  private:
    /// A segment whose position `start` is at running time `base`.
    struct Anchor {
        std::int64_t start = 0;
        std::int64_t base = 0;
    };

    Stamp stream_stamp(const FrameInfo& info, const PipelineTime& time);
    Stamp clock_stamp(const FrameInfo& info, const PipelineTime& time);
    Stamp arrival_stamp(const PipelineTime& time);
    void follow(const PipelineTime& time);
    void leave_stream(Stamp& stamp);
    GstSegment anchored_at(std::int64_t start, std::int64_t base);
    std::int64_t lifted(std::int64_t running_time);

    std::optional<Anchor> anchor_;     // set while in a segment made for Stream
    std::int64_t last_pts_ = 0;        // of the stream, since the anchor
    std::int64_t end_ = 0;             // running time at which the last frame of the stream ends
    std::int64_t latest_ = -1;         // the latest running time that was given
    std::int64_t floor_ = 0;           // no running time before this is given next
    std::optional<std::int64_t> now_;  // running time of the last call
    bool restarted_ = false;
    bool needs_segment_ = false;  // running time was set back: what follows is in a segment of its own
};

}  // namespace ndsharray::gst
