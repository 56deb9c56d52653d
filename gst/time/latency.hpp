// SPDX-License-Identifier: BSD-3-Clause
// The latency ndshsrc reports, so that sinks which synchronise show every frame.
#pragma once

#include <atomic>
#include <cstdint>

namespace ndsharray::gst {

/// One frame duration, or more where frames keep coming later than that. Nanoseconds.
///
/// A single late frame or a burst of them is a stall, which no latency would have made up for; being late
/// for `patience` on end is how this writer is. What it takes then is the largest lateness of that time.
/// One thread observes; minimum() is for any thread.
class LatencyTracker {
  public:
    static constexpr std::int64_t default_frame_duration = 1'000'000'000 / 30;
    static constexpr std::int64_t patience = 200'000'000;
    static constexpr std::int64_t step = 10'000'000;
    static constexpr std::int64_t most = 2'000'000'000;

    /// As if nothing had been observed.
    void reset();

    /// \param duration 0 if not known
    /// \returns whether minimum() changed.
    bool set_frame_duration(std::int64_t duration);

    /// Takes note of a frame that was read at `now`, `lateness` after its PTS.
    /// \returns whether minimum() changed.
    bool observe(std::int64_t lateness, std::int64_t now);

    std::int64_t minimum() const { return minimum_.load(std::memory_order_relaxed); }

  private:
    bool update();

    std::atomic<std::int64_t> minimum_{default_frame_duration};
    std::int64_t frame_duration_ = default_frame_duration;
    std::int64_t lateness_ = 0;      // accepted as usual
    std::int64_t late_since_ = 0;    // of the frames that are late now, when the first came
    std::int64_t late_by_ = 0;       // of those, the largest lateness
    std::uint32_t late_frames_ = 0;  // of those, how many
};

}  // namespace ndsharray::gst
