// SPDX-License-Identifier: BSD-3-Clause
// The latency ndshsrc reports, so that sinks which synchronise show every frame.
#include "time/latency.hpp"

#include <algorithm>

namespace ndsharray::gst {

void LatencyTracker::reset() {
    frame_duration_ = default_frame_duration;
    lateness_ = 0;
    late_frames_ = 0;
    update();
}

bool LatencyTracker::set_frame_duration(std::int64_t duration) {
    frame_duration_ = duration > 0 ? duration : default_frame_duration;
    return update();
}

bool LatencyTracker::observe(std::int64_t lateness, std::int64_t now) {
    constexpr std::uint32_t few = 3;
    if (lateness <= minimum()) {
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
    lateness_ = std::min(late_by_, most) / step * step + step;
    return update();
}

bool LatencyTracker::update() {
    const std::int64_t minimum = std::min(std::max(frame_duration_, lateness_), most);
    return minimum_.exchange(minimum, std::memory_order_relaxed) != minimum;
}

}  // namespace ndsharray::gst
