// SPDX-License-Identifier: BSD-3-Clause
// The clock of a pipeline, seen from CLOCK_MONOTONIC, which all processes share.
#include "time/pipeline_clock.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

namespace ndsharray::gst {
namespace {

/// Times from shared memory can have any value.
std::optional<std::int64_t> sum(std::int64_t a, std::int64_t b) {
    std::int64_t result = 0;
    if (__builtin_add_overflow(a, b, &result)) {
        return std::nullopt;
    }
    return result;
}

/// Whether this is the ordinary system clock. It shows CLOCK_MONOTONIC unless it is slaved.
bool counts_monotonic(GstClock* clock) {
    if (!clock || G_OBJECT_TYPE(clock) != GST_TYPE_SYSTEM_CLOCK) {
        return false;
    }
    GstClockType type = GST_CLOCK_TYPE_OTHER;
    g_object_get(clock, "clock-type", &type, nullptr);
    return type == GST_CLOCK_TYPE_MONOTONIC;
}

bool is_slaved(GstClock* clock) {
    GstClockTime internal = 0, external = 0, rate_num = 0, rate_denom = 0;
    gst_clock_get_calibration(clock, &internal, &external, &rate_num, &rate_denom);
    return internal != external || rate_num != rate_denom;
}

}  // namespace

std::int64_t monotonic_now() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * GST_SECOND + now.tv_nsec;
}

void ClockOffset::update(const ClockSample& sample) {
    const auto contradicts = [&](std::int64_t value) {
        const std::int64_t difference = sample.offset - value;
        return std::max(difference, -difference) > sample.uncertainty + tolerance;
    };
    if (!value_ || contradicts(*value_)) {
        value_ = sample.offset;
    }
}

void PipelineClock::follow(Owned<GstClock> clock) {
    if (clock.get() != clock_.get()) {
        clock_ = std::move(clock);
        counts_monotonic_ = counts_monotonic(clock_.get());
        offset_ = {};
    }
}

std::int64_t PipelineClock::offset() {
    if (counts_monotonic_ && !is_slaved(clock_.get())) {
        return 0;
    }
    const auto read_clock = [this] { return static_cast<std::int64_t>(gst_clock_get_time(clock_.get())); };
    offset_.update(sample_clock(monotonic_now, read_clock));
    return offset_.value();
}

/// One lock for both, and no reference to a clock that is known: this is done for every frame.
GstClockTime PipelineClock::follow(GstElement* element) {
    Owned<GstClock> changed;
    GST_OBJECT_LOCK(element);
    const GstClockTime base_time = element->base_time;
    const bool is_same = GST_ELEMENT_CLOCK(element) == clock_.get();
    if (!is_same && GST_ELEMENT_CLOCK(element)) {
        changed.reset(GST_CLOCK(gst_object_ref(GST_ELEMENT_CLOCK(element))));
    }
    GST_OBJECT_UNLOCK(element);
    if (!is_same) {
        follow(std::move(changed));
    }
    return base_time;
}

PipelineTime PipelineTime::of(GstElement* element, PipelineClock& clock) {
    const GstClockTime base_time = clock.follow(element);
    PipelineTime time;
    if (clock) {
        time.offset = clock.offset();
    }
    time.base_time = GST_CLOCK_TIME_IS_VALID(base_time) ? static_cast<std::int64_t>(base_time) : 0;
    return time;
}

std::optional<std::int64_t> PipelineTime::running_time(std::int64_t instant) const {
    if (!offset) {
        return std::nullopt;
    }
    return sum(instant, *offset - base_time);
}

std::int64_t PipelineTime::instant(std::int64_t running_time, std::int64_t latency) const {
    if (!offset || running_time == no_time) {
        return no_time;
    }
    return sum(running_time, base_time + latency - *offset).value_or(no_time);
}

}  // namespace ndsharray::gst
