// SPDX-License-Identifier: BSD-3-Clause
// The latency that ndshsrc reports. With it, sinks that synchronise show every frame.
#pragma once

#include <atomic>
#include <cstdint>

namespace ndsharray::gst {

/// The age that the frames of this writer have when they arrive, rounded up, in nanoseconds. Before the first
/// frame it is the age that is usual for cameras: some applications ask only once.
///
/// The first frame of a writer counts at once, because the frames after it are as old. The start of either
/// pipeline may have delayed it. So after the time `settling` the report falls to the largest lateness in the
/// second half of that time. From then on the report only grows. A single late frame, or a short burst of
/// them, is a stall; no latency would have helped. The report grows if all frames are late for the time
/// `patience`, or a quarter of the frames of one second. It then is the largest lateness of that time.
///
/// One thread observes. Any thread may call minimum() and set_bound().
class LatencyTracker {
  public:
    static constexpr std::int64_t unknown = 1'000'000'000 / 30;
    static constexpr std::int64_t settling = 1'000'000'000;
    static constexpr std::int64_t patience = 200'000'000;
    static constexpr std::int64_t step = 1'000'000;
    static constexpr std::int64_t most = 2'000'000'000;

    /// Forgets all observations.
    void reset();

    /// Another writer begins: its first frame counts at once.
    void begin_writer() { settling_ = Settling::Begins; }

    /// Records a frame that was read at `now`, `lateness` after its PTS.
    /// \returns whether minimum() changed.
    bool observe(std::int64_t lateness, std::int64_t now);

    /// Sets the smallest latency that is reported.
    /// \returns whether minimum() changed.
    bool set_bound(std::int64_t bound);

    std::int64_t minimum() const;

  private:
    enum class Settling { Begins, Goes, Done };

    /// Consecutive frames.
    struct Span {
        void add(std::int64_t lateness, std::int64_t now, bool is_late);

        std::int64_t since = 0;  // when the first frame came
        std::uint32_t frames = 0;
        std::uint32_t late_frames = 0;
        std::int64_t late_by = 0;  // the largest lateness
    };

    bool is_late(std::int64_t lateness) const;
    std::int64_t on_end(std::int64_t lateness, std::int64_t now);
    std::int64_t often(std::int64_t lateness, std::int64_t now);
    bool settle(std::int64_t lateness, std::int64_t now);
    bool report(std::int64_t latency);

    // Both are relaxed: each is a number by itself.
    std::atomic<std::int64_t> latency_{unknown};
    std::atomic<std::int64_t> bound_{0};

    Settling settling_ = Settling::Begins;
    std::int64_t settling_since_ = 0;  // when the writer's first frame came
    std::int64_t settled_ = 0;         // largest lateness in the second half of settling
    Span on_end_;                      // frames that were all late
    Span often_;                       // the frames of one second
};

}  // namespace ndsharray::gst
