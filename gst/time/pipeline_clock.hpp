// SPDX-License-Identifier: BSD-3-Clause
// The clock of a pipeline, seen from CLOCK_MONOTONIC, which all processes share.
#pragma once

#include <gst/gst.h>

#include <ndsharray/frame_info.hpp>

#include <cstdint>
#include <optional>

#include "owned.hpp"

namespace ndsharray::gst {

/// CLOCK_MONOTONIC, in nanoseconds.
std::int64_t monotonic_now() noexcept;

/// How far a clock is ahead of CLOCK_MONOTONIC, and the largest error of that, in nanoseconds.
struct ClockSample {
    std::int64_t offset = 0;
    std::int64_t uncertainty = 0;
};

/// Reads a clock between two readings of CLOCK_MONOTONIC, a few times. The pair that is closest together
/// counts. \param monotonic, clock functions that return nanoseconds
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

/// The offset in use. It changes only if a sample differs from it by more than the sample's own uncertainty
/// plus `tolerance`. So the steps between PTS do not jitter with the measurement.
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

    /// Uses the clock of this element from now on. \returns the element's base time.
    GstClockTime follow(GstElement* element);

    explicit operator bool() const { return clock_ != nullptr; }

    /// How far the clock is ahead of CLOCK_MONOTONIC now, in nanoseconds. For the ordinary system clock it is
    /// exactly 0, and nothing is measured.
    std::int64_t offset();

  private:
    Owned<GstClock> clock_;
    bool counts_monotonic_ = false;
    ClockOffset offset_;
};

/// The values of a pipeline that convert times. Without a clock, `offset` is empty.
struct PipelineTime {
    std::optional<std::int64_t> offset;  ///< pipeline clock minus CLOCK_MONOTONIC
    std::int64_t base_time = 0;          ///< of the element
    std::int64_t now = 0;                ///< CLOCK_MONOTONIC; set by who needs it

    /// Reads clock and base time of an element.
    static PipelineTime of(GstElement* element, PipelineClock& clock);

    /// The running time at `instant`. Empty without a clock, or if the sum does not fit.
    std::optional<std::int64_t> running_time(std::int64_t instant) const;

    /// The instant of a running time, plus `latency`. no_time without a clock.
    std::int64_t instant(std::int64_t running_time, std::int64_t latency) const;
};

}  // namespace ndsharray::gst
