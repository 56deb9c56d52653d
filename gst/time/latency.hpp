// SPDX-License-Identifier: BSD-3-Clause
// The latency ndshsrc reports, so that sinks which synchronise show every frame.
#pragma once

#include <atomic>
#include <cstdint>

namespace ndsharray::gst {

/// The age that the frames of this writer have when they arrive, rounded up. Until a frame came it is that of
/// many cameras, for applications that never ask again. Nanoseconds.
///
/// The first frame of a writer counts at once, because the frames after it are as old. It may have been held
/// up by the start of either pipeline: `settling` after it, the report falls to the largest lateness of the
/// second half of that time. From then on the report only grows. A single late frame or a burst of them is a
/// stall, which no latency would have made up for. Being late for `patience` on end is how this writer is,
/// and so is being late in a quarter of a second's frames. The report then is the largest lateness of that
/// time.
///
/// One thread observes; minimum() and set_bound() are for any thread.
class LatencyTracker {
  public:
    static constexpr std::int64_t unknown = 1'000'000'000 / 30;
    static constexpr std::int64_t settling = 1'000'000'000;
    static constexpr std::int64_t patience = 200'000'000;
    static constexpr std::int64_t step = 1'000'000;
    static constexpr std::int64_t most = 2'000'000'000;

    /// As if nothing had been observed.
    void reset();

    /// Another writer: its first frame counts at once.
    void begin_writer() { settling_ = Settling::Begins; }

    /// Takes note of a frame that was read at `now`, `lateness` after its PTS.
    /// \returns whether minimum() changed.
    bool observe(std::int64_t lateness, std::int64_t now);

    /// No less than this is reported.
    /// \returns whether minimum() changed.
    bool set_bound(std::int64_t bound);

    std::int64_t minimum() const;

  private:
    enum class Settling { Begins, Goes, Done };

    /// Frames one after the other.
    struct Span {
        void add(std::int64_t lateness, std::int64_t now, bool is_late);

        std::int64_t since = 0;  // when the first came
        std::uint32_t frames = 0;
        std::uint32_t late_frames = 0;
        std::int64_t late_by = 0;  // the largest lateness
    };

    bool is_late(std::int64_t lateness) const;
    std::int64_t on_end(std::int64_t lateness, std::int64_t now);
    std::int64_t often(std::int64_t lateness, std::int64_t now);
    bool settle(std::int64_t lateness, std::int64_t now);
    bool report(std::int64_t latency);

    // Relaxed, both: each is a number by itself.
    std::atomic<std::int64_t> latency_{unknown};
    std::atomic<std::int64_t> bound_{0};

    Settling settling_ = Settling::Begins;
    std::int64_t settling_since_ = 0;  // when the writer's first frame came
    std::int64_t settled_ = 0;         // largest lateness in the second half of settling
    Span on_end_;                      // of frames that were all late
    Span often_;                       // of some second
};

}  // namespace ndsharray::gst
