// SPDX-License-Identifier: BSD-3-Clause
// The PTS, DTS and segment that a frame gets in the pipeline of its reader.
#include "time/timestamps.hpp"

#include <algorithm>
#include <utility>

namespace ndsharray::gst {
namespace {

// Times from shared memory can have any value. A time that is decades away counts as none.
constexpr std::int64_t far = std::int64_t{1} << 60;

// A time that is so far ahead of the frames before it is none of a live stream.
constexpr std::int64_t leap = 60'000'000'000, short_leap = 200'000'000;

std::optional<std::int64_t> known(std::int64_t time) {
    return time < -far || time > far ? std::nullopt : std::optional(time);
}

GstClockTime clock_time(std::int64_t time) {
    return static_cast<GstClockTime>(std::max<std::int64_t>(time, 0));
}

/// 0 if it is not known. A wrong duration would put off what follows a restart of a live stream.
std::int64_t duration_of(const FrameInfo& info, bool lossless) {
    const std::int64_t duration = std::max<std::int64_t>(known(info.duration).value_or(0), 0);
    return lossless || duration <= leap ? duration : 0;
}

}  // namespace

void Timestamps::restart() {
    restarted_ = true;
    floor_ = latest_ + 1;
}

/// A flush or the application may have set running time back. Then earlier times count no more.
void Timestamps::follow(const PipelineTime& time) {
    constexpr std::int64_t jitter = 10'000'000;  // more than a measured clock has
    const auto now = time.running_time(time.now);
    if (!now) {
        return;
    }
    if (now_ && *now < *now_ - jitter) {
        restarted_ = needs_segment_ = true;
        end_ = floor_ = 0;
        latest_ = -1;
    }
    now_ = *now;
}

/// Whether a frame with this time comes much further ahead than the frame before it did.
bool Timestamps::is_far_ahead(std::int64_t running_time, std::optional<std::int64_t> now,
                              std::int64_t limit) const {
    return now && running_time - *now > lead_ + limit;
}

Timestamps::Stamp Timestamps::next(const FrameInfo& info, TimestampMode mode, bool lossless,
                                   const PipelineTime& time) {
    follow(time);
    switch (mode) {
        case TimestampMode::Stream:
            return stream_stamp(info, lossless, time);
        case TimestampMode::Auto:
        case TimestampMode::Clock:
            return clock_stamp(info, time);
        case TimestampMode::Arrival:
            break;
    }
    return arrival_stamp(time);
}

/// Whether a frame of a stream has its place in the present segment.
bool Timestamps::goes_on_at(std::int64_t pts, bool lossless, std::optional<std::int64_t> now) const {
    if (!anchor_ || restarted_ || pts < last_pts_) {
        return false;
    }
    // While a stream is before where it was, its leaps ahead are likely to be the way back.
    const std::int64_t limit = top_step_back_ ? short_leap : leap;
    const bool leaps = !lossless && is_far_ahead(anchor_->base + (pts - anchor_->start), now, limit);
    return !leaps && !leaps_back_to(pts);
}

/// Whether the stream leaps to where it was before its PTS stepped back: then only the frames between were
/// wrong. They can be several, and step back and ahead themselves. So both steps count.
bool Timestamps::leaps_back_to(std::int64_t pts) const {
    const auto undoes = [&](const std::optional<StepBack>& step) {
        return step && pts >= step->from && pts - last_pts_ > step->length / 2;
    };
    return undoes(last_step_back_) || undoes(top_step_back_);
}

void Timestamps::note_step(std::int64_t pts) {
    if (restarted_) {
        last_step_back_.reset();
        top_step_back_.reset();
    } else if (anchor_ && pts < last_pts_) {
        last_step_back_ = StepBack{last_pts_, last_pts_ - pts};
        if (!top_step_back_ || last_pts_ > top_step_back_->from) {
            top_step_back_ = last_step_back_;
        }
    }
    for (std::optional<StepBack>* step : {&last_step_back_, &top_step_back_}) {
        if (*step && pts >= (*step)->from) {
            step->reset();
        }
    }
}

/// The steps between PTS are exactly the writer's. The segment makes them fit a live pipeline: the first
/// frame of a stream gets the running time at which it came.
Timestamps::Stamp Timestamps::stream_stamp(const FrameInfo& info, bool lossless, const PipelineTime& time) {
    const std::optional<std::int64_t> now = time.running_time(time.now);
    const std::int64_t arrival =
        anchor_ ? std::max(last_pts_, anchor_->start + now.value_or(end_) - anchor_->base) : now.value_or(0);
    const std::int64_t pts = std::max<std::int64_t>(known(info.stream_pts).value_or(arrival), 0);

    Stamp stamp;
    const bool goes_on = goes_on_at(pts, lossless, now);
    note_step(pts);
    if (!goes_on) {
        stamp.segment = anchored_at(pts, std::max({now.value_or(0), end_, latest_ + 1}));
    }
    stamp.pts = clock_time(pts);
    if (const auto dts = known(info.stream_dts)) {
        stamp.dts = clock_time(std::min(*dts, pts));
    }
    const std::int64_t running_time = anchor_->base + (pts - anchor_->start);
    if (now) {
        stamp.lateness = *now - running_time;
    }
    last_pts_ = pts;
    give(running_time);
    end_ = std::min(running_time + duration_of(info, lossless), far);
    return stamp;
}

/// Takes off what a time is too far ahead. A stream that is far ahead for good keeps its steps.
std::int64_t Timestamps::plausible(std::int64_t running_time, std::optional<std::int64_t> now) {
    if (!is_far_ahead(running_time, now, leap)) {
        shift_ = 0;
        return running_time;
    }
    const std::int64_t shifted = running_time - shift_;
    if (shift_ == 0 || is_far_ahead(shifted, now, leap) || shifted < *now - leap) {
        shift_ = running_time - std::max(*now, floor_);
    }
    return running_time - shift_;
}

Timestamps::Stamp Timestamps::clock_stamp(const FrameInfo& info, const PipelineTime& time) {
    const auto pts = known(info.pts) ? time.running_time(info.pts) : std::nullopt;
    if (!pts) {
        return arrival_stamp(time);
    }
    Stamp stamp;
    leave_stream(stamp);
    const auto now = time.running_time(time.now);
    const std::int64_t given = lifted(plausible(*pts, now));
    stamp.pts = clock_time(given);
    if (const auto dts = known(info.dts) ? time.running_time(info.dts) : std::nullopt) {
        stamp.dts = clock_time(std::min(*dts - shift_, given));
    }
    const std::int64_t lateness = now.value_or(*pts) - *pts;
    if (given == *pts && lateness <= leap) {
        stamp.lateness = lateness;
    }
    return stamp;
}

Timestamps::Stamp Timestamps::arrival_stamp(const PipelineTime& time) {
    Stamp stamp;
    leave_stream(stamp);
    if (const auto now = time.running_time(time.now)) {
        const std::int64_t given = lifted(*now);
        stamp.pts = clock_time(given);
        if (given == *now) {
            stamp.lateness = 0;
        }
    }
    return stamp;
}

/// In the segment of a stream, the frame gets the position that the stream would have reached. The stream
/// itself goes on at its own position, so its next frame gets another segment.
Timestamps::Stamp Timestamps::repeat(const PipelineTime& time) {
    follow(time);
    const auto now = time.running_time(time.now);
    if (!now) {
        return {};
    }
    const std::int64_t running_time = std::max(*now, latest_ + 1);
    give(running_time);
    floor_ = running_time + 1;
    Stamp stamp;
    if (!anchor_) {
        leave_stream(stamp);
        stamp.pts = clock_time(running_time);
        return stamp;
    }
    if (restarted_) {
        stamp.segment = anchored_at(last_pts_, running_time);
    }
    const std::int64_t position = anchor_->start + (running_time - anchor_->base);
    stamp.pts = clock_time(position);
    last_pts_ = position + 1;
    end_ = running_time + 1;
    return stamp;
}

/// Goes back to the plain segment, in which a PTS is a running time.
void Timestamps::leave_stream(Stamp& stamp) {
    restarted_ = false;
    if (anchor_) {
        anchor_.reset();
        floor_ = std::max(floor_, latest_ + 1);
        needs_segment_ = true;
    }
    if (std::exchange(needs_segment_, false)) {
        gst_segment_init(&stamp.segment.emplace(), GST_FORMAT_TIME);
    }
}

GstSegment Timestamps::anchored_at(std::int64_t start, std::int64_t base) {
    anchor_ = {start, base};
    restarted_ = needs_segment_ = false;
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    segment.start = segment.time = segment.position = clock_time(start);
    segment.base = clock_time(base);
    return segment;
}

/// Here no PTS of a plain segment decreases. A frame can be older than the base time or than the last frame:
/// it is from another writer, it comes after a pause, or the clock changed. Such frames get the next free
/// nanoseconds, one each. So two frames share a PTS only if the writer's own did.
std::int64_t Timestamps::lifted(std::int64_t running_time) {
    const std::int64_t given = std::max(running_time, floor_);
    floor_ = given > running_time ? given + 1 : given;
    give(given);
    return given;
}

/// Notes a time that is given to a frame.
void Timestamps::give(std::int64_t running_time) {
    latest_ = std::max(latest_, running_time);
    lead_ = std::max<std::int64_t>(latest_ - now_.value_or(latest_), 0);
}

}  // namespace ndsharray::gst
