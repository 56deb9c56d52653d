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

}  // namespace ndsharray::gst
