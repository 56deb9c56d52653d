// SPDX-License-Identifier: BSD-3-Clause
// The latency ndshsrc reports, so that sinks which synchronise show every frame.
#include "time/latency.hpp"

#include <algorithm>

namespace ndsharray::gst {
namespace {

/// The whole step above, so that small differences between frames are no news.
std::int64_t rounded_up(std::int64_t lateness) {
    constexpr std::int64_t step = LatencyTracker::step;
    return std::clamp<std::int64_t>(lateness, 0, LatencyTracker::most - step) / step * step + step;
}

}  // namespace

void LatencyTracker::reset() {
    settling_ = Settling::Begins;
    late_frames_ = 0;
    report(unknown);
}

bool LatencyTracker::observe(std::int64_t lateness, std::int64_t now) {
    if (settling_ == Settling::Begins) {
        settling_ = Settling::Goes;
        settling_since_ = now;
        settled_ = late_frames_ = 0;
        return report(rounded_up(lateness));
    }
    if (is_usual(lateness, now)) {
        return report(rounded_up(late_by_));
    }
    return settling_ == Settling::Goes && settle(lateness, now);
}

/// Whether frames keep being later than what is reported.
bool LatencyTracker::is_usual(std::int64_t lateness, std::int64_t now) {
    constexpr std::uint32_t few = 3;
    if (lateness <= latency_.load(std::memory_order_relaxed)) {
        late_frames_ = 0;
        return false;
    }
    if (late_frames_++ == 0) {
        late_since_ = now;
        late_by_ = 0;
    }
    late_by_ = std::max(late_by_, lateness);
    if (late_frames_ < few || now - late_since_ < patience) {
        return false;
    }
    late_frames_ = 0;
    return true;
}

bool LatencyTracker::settle(std::int64_t lateness, std::int64_t now) {
    const std::int64_t elapsed = now - settling_since_;
    if (elapsed >= settling / 2) {
        settled_ = std::max(settled_, lateness);
    }
    if (elapsed < settling) {
        return false;
    }
    settling_ = Settling::Done;
    return report(std::min(rounded_up(settled_), latency_.load(std::memory_order_relaxed)));
}

bool LatencyTracker::report(std::int64_t latency) {
    const std::int64_t before = minimum();
    latency_.store(latency, std::memory_order_relaxed);
    return minimum() != before;
}

bool LatencyTracker::set_bound(std::int64_t bound) {
    const std::int64_t before = minimum();
    bound_.store(bound, std::memory_order_relaxed);
    return minimum() != before;
}

std::int64_t LatencyTracker::minimum() const {
    return std::max(latency_.load(std::memory_order_relaxed), bound_.load(std::memory_order_relaxed));
}

}  // namespace ndsharray::gst
