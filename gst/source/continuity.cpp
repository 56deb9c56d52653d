// SPDX-License-Identifier: BSD-3-Clause
// The frames that ndshsrc has sent, and the gap that the next buffer reports with DISCONT.
#include "source/continuity.hpp"

#include <utility>

#include "time/pipeline_clock.hpp"

namespace ndsharray::gst {

void Continuity::restart() {
    new_writer_ = gap_ = discont_ = false;
    nothing_sent_ = true;
    paused_ = moved_ = resumed_ = flushed_ = false;
    resumed_at_ = 0;
    play();
}

void Continuity::play() {
    const std::int64_t now = monotonic_now();
    if (paused_.exchange(false) && !moved_) {
        resumed_at_ = now;
        resumed_ = true;
    }
    playing_since_ = now;
    started_ = true;
}

void Continuity::pause() {
    moved_ = false;
    paused_at_ = monotonic_now();
    paused_ = true;
}

void Continuity::move() {
    moved_ = true;
    resumed_at_ = 0;
}

void Continuity::note(const Frame& frame, bool lossless) {
    new_writer_ |= frame.first_of_writer();
    gap_ |= frame.missed() > 0;
    if (resumed_.exchange(false, std::memory_order_relaxed) && !lossless) {
        gap_ = true;
    }
}

bool Continuity::is_of_pause(const Frame& frame, bool lossless) const {
    const std::int64_t resumed_at = resumed_at_.load(std::memory_order_relaxed);
    const FrameInfo& info = frame.info();
    // Running time stood still then: such a frame would come a nanosecond after the last one before the
    // pause.
    const bool was_captured_in_it =
        info.pts >= paused_at_.load(std::memory_order_relaxed) && info.pts < resumed_at;
    return !lossless && (info.published < resumed_at || was_captured_in_it);
}

Continuity::Step Continuity::begin(const Frame& frame) {
    const bool started = started_.exchange(false, std::memory_order_relaxed);
    const bool flushed = flushed_.exchange(false, std::memory_order_relaxed);
    Step step;
    step.is_first = std::exchange(nothing_sent_, false) || flushed;
    step.starts_new_times = flushed || new_writer_ || (started && gap_);
    step.is_fresh = frame.info().published >= playing_since_.load(std::memory_order_relaxed);
    // A flush may have dropped a frame on its way.
    discont_ |= std::exchange(gap_, false) | std::exchange(new_writer_, false) | flushed;
    return step;
}

bool Continuity::begin_repeat() {
    return flushed_.exchange(false, std::memory_order_relaxed);
}

}  // namespace ndsharray::gst
