// SPDX-License-Identifier: BSD-3-Clause
// The latency that ndshsrc reports. With it, sinks that synchronise show every frame.
#include "time/latency.hpp"

#include <algorithm>
#include <utility>

namespace ndsharray::gst {
namespace {

/// Rounded up to a whole step: a small difference between frames does not change the report.
std::int64_t rounded_up(std::int64_t lateness) {
    constexpr std::int64_t step = LatencyTracker::step;
    return std::clamp<std::int64_t>(lateness, 0, LatencyTracker::most - step) / step * step + step;
}

}  // namespace

void LatencyTracker::reset() {
    settling_ = Settling::Begins;
    on_end_ = often_ = {};
    report(unknown);
}

bool LatencyTracker::observe(std::int64_t lateness, std::int64_t now) {
    if (settling_ == Settling::Begins) {
        settling_ = Settling::Goes;
        settling_since_ = now;
        settled_ = 0;
        on_end_ = often_ = {};
        return report(rounded_up(lateness));
    }
    // Both must see every frame.
    const std::int64_t usual = std::max(on_end(lateness, now), often(lateness, now));
    if (usual > 0) {
        on_end_ = often_ = {};
        return report(rounded_up(usual));
    }
    return settling_ == Settling::Goes && settle(lateness, now);
}

void LatencyTracker::Span::add(std::int64_t lateness, std::int64_t now, bool is_late) {
    if (frames++ == 0) {
        since = now;
    }
    if (is_late) {
        ++late_frames;
        late_by = std::max(late_by, lateness);
    }
}

/// The largest lateness of consecutive late frames. 0 if they were not late for long.
std::int64_t LatencyTracker::on_end(std::int64_t lateness, std::int64_t now) {
    constexpr std::uint32_t few = 3;
    if (!is_late(lateness)) {
        on_end_ = {};
        return 0;
    }
    on_end_.add(lateness, now, true);
    return on_end_.frames >= few && now - on_end_.since >= patience ? on_end_.late_by : 0;
}

/// The largest lateness in one second. 0 if less than a quarter of its frames was late.
std::int64_t LatencyTracker::often(std::int64_t lateness, std::int64_t now) {
    constexpr std::uint32_t many = 12;
    constexpr std::int64_t second = 1'000'000'000;
    often_.add(lateness, now, is_late(lateness));
    if (often_.frames < many || now - often_.since < second) {
        return 0;
    }
    const Span past = std::exchange(often_, {});
    return past.late_frames * 4 >= past.frames ? past.late_by : 0;
}

bool LatencyTracker::is_late(std::int64_t lateness) const {
    return lateness > latency_.load(std::memory_order_relaxed);
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
