// SPDX-License-Identifier: BSD-3-Clause
// Time between two pipelines: pipeline clock <-> CLOCK_MONOTONIC, and which PTS a frame gets in the reader's.
#pragma once

#include <gst/gst.h>

#include <ndsharray/frame_info.hpp>

#include <cstdint>
#include <optional>

#include "owned.hpp"

namespace ndsharray::gst {

/// CLOCK_MONOTONIC, in nanoseconds.
std::int64_t monotonic_now() noexcept;

/// How far a clock is ahead of CLOCK_MONOTONIC, and how far off that may be, in nanoseconds.
struct ClockSample {
    std::int64_t offset = 0;
    std::int64_t uncertainty = 0;
};

/// Reads a clock between two readings of CLOCK_MONOTONIC, a few times; the narrowest bracket counts.
/// \param monotonic, clock functions that return nanoseconds
template <class Monotonic, class Clock>
ClockSample sample_clock(Monotonic&& monotonic, Clock&& clock, int tries = 5) {
    std::optional<ClockSample> best;
    for (int i = 0; i < tries; ++i) {
        const std::int64_t before = monotonic();
        const std::int64_t reading = clock();
        const std::int64_t width = monotonic() - before;
        if (!best || width / 2 < best->uncertainty) {
            best = ClockSample{reading - (before + width / 2), width / 2};
        }
    }
    return best.value_or(ClockSample{});
}

/// The offset in use. It stays as it is until a sample contradicts it by more than the sample's own
/// uncertainty and `tolerance`, so that PTS steps do not jitter with the measurement.
class ClockOffset {
  public:
    static constexpr std::int64_t tolerance = 200'000;

    void update(const ClockSample& sample);
    std::int64_t value() const { return value_.value_or(0); }

  private:
    std::optional<std::int64_t> value_;
};

/// The clock a pipeline runs on, seen from CLOCK_MONOTONIC.
class PipelineClock {
  public:
    /// Uses `clock` from now on; nullptr for none.
    void follow(Owned<GstClock> clock);

    explicit operator bool() const { return clock_ != nullptr; }

    /// Nanoseconds the clock is ahead of CLOCK_MONOTONIC now. Exactly 0, without measuring, for the ordinary
    /// system clock.
    std::int64_t offset();

  private:
    Owned<GstClock> clock_;
    bool counts_monotonic_ = false;
    ClockOffset offset_;
};

/// What an element must know of its pipeline to convert times. Without a clock, `offset` is nothing.
struct PipelineTime {
    std::optional<std::int64_t> offset;  ///< pipeline clock minus CLOCK_MONOTONIC
    std::int64_t base_time = 0;          ///< of the element
    std::int64_t now = 0;                ///< CLOCK_MONOTONIC

    /// Reads clock and base time of an element.
    static PipelineTime of(GstElement* element, PipelineClock& clock);

    /// Running time at `instant`; nothing without a clock or where the sum does not fit.
    std::optional<std::int64_t> running_time(std::int64_t instant) const;

    /// The instant of a running time, `latency` later; no_time without a clock.
    std::int64_t instant(std::int64_t running_time, std::int64_t latency) const;
};

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
