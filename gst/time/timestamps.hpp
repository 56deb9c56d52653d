// SPDX-License-Identifier: BSD-3-Clause
// The PTS, DTS and segment that a frame gets in the pipeline of its reader. This is the place that
// guarantees, for every mode, that the PTS of a segment never decrease.
#pragma once

#include <gst/gst.h>

#include <ndsharray/frame_info.hpp>

#include <cstdint>
#include <optional>

#include "time/pipeline_clock.hpp"

namespace ndsharray::gst {

/// How a frame gets its PTS.
enum class TimestampMode {
    Auto,     ///< Stream if the writer has backpressure, else Clock
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

        /// Set if the frame needs another segment than the frame before it.
        std::optional<GstSegment> segment;

        /// How long after its PTS the frame came. Empty if that does not measure the transport.
        std::optional<std::int64_t> lateness;
    };

    /// Another stream begins. Its times need not continue those of the last one. In running time it does not
    /// begin before the last frame.
    void restart();

    /// A PTS of a live stream that is far ahead of the frames before it is wrong, or belongs to another time.
    /// If the frame got it, a sink that synchronises would wait for it, and all later frames would follow it.
    /// So it counts from the time at which the frame came.
    /// \param mode not Auto
    /// \param lossless whether the writer waits for this reader. In mode Stream the steps of such a stream
    /// are exactly its writer's, however long they are.
    Stamp next(const FrameInfo& info, TimestampMode mode, bool lossless, const PipelineTime& time);

    /// For a frame that is pushed once more. Its time is after all times before, and before all times that
    /// follow.
    Stamp repeat(const PipelineTime& time);

  private:
    /// A segment whose position `start` is at running time `base`.
    struct Anchor {
        std::int64_t start = 0;
        std::int64_t base = 0;
    };

    /// The PTS of a stream became less.
    struct StepBack {
        std::int64_t from = 0;
        std::int64_t length = 0;
    };

    Stamp stream_stamp(const FrameInfo& info, bool lossless, const PipelineTime& time);
    bool goes_on_at(std::int64_t pts, bool lossless, std::optional<std::int64_t> now) const;
    bool leaps_back_to(std::int64_t pts) const;
    void note_step(std::int64_t pts);
    Stamp clock_stamp(const FrameInfo& info, const PipelineTime& time);
    Stamp arrival_stamp(const PipelineTime& time);
    std::int64_t plausible(std::int64_t running_time, std::optional<std::int64_t> now);
    bool is_far_ahead(std::int64_t running_time, std::optional<std::int64_t> now, std::int64_t limit) const;
    void follow(const PipelineTime& time);
    void leave_stream(Stamp& stamp);
    GstSegment anchored_at(std::int64_t start, std::int64_t base);
    std::int64_t lifted(std::int64_t running_time);
    void give(std::int64_t running_time);

    std::optional<Anchor> anchor_;            // set in a segment that was made for Stream
    std::int64_t last_pts_ = 0;               // of the stream, since the anchor
    std::int64_t end_ = 0;                    // running time at which the last frame of the stream ends
    std::int64_t latest_ = -1;                // the latest running time that was given
    std::int64_t floor_ = 0;                  // the next running time is not before this
    std::optional<StepBack> last_step_back_;  // until the stream is back where it was before it
    std::optional<StepBack> top_step_back_;   // the one of these that began at the latest PTS
    std::int64_t lead_ = 0;                   // how far the last given time was ahead of the present
    std::int64_t shift_ = 0;  // of mode Clock: what is taken off times that are far ahead; 0: nothing
    std::optional<std::int64_t> now_;  // running time of the last call
    bool restarted_ = false;
    bool needs_segment_ = false;  // running time was set back: the next frame begins a segment
};

}  // namespace ndsharray::gst
