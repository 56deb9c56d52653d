// SPDX-License-Identifier: BSD-3-Clause
#include "clock_offset.hpp"

#include <ndsharray/frame_info.hpp>

#include <algorithm>
#include <cstdlib>

namespace ndsharray::mirror {
namespace {

constexpr std::size_t most_pings = 64;
constexpr std::int64_t drift_parts = 2'000;  // 500 ppm: no quartz, and no NTP that sets it, drifts more
constexpr std::int64_t slew_parts = 100;     // times follow an estimate by 1 % of the time that passes
constexpr std::int64_t jump = 100'000'000;   // further away the other clock was set, or is another one
constexpr std::int64_t rounding = 10;

constexpr std::int64_t longest = std::int64_t{1} << 61;  // sums of a few such times do not overflow

bool is_sane(std::int64_t time) {
    return time > -longest && time < longest;
}

std::int64_t uncertainty_of(std::int64_t delay, std::int64_t age) {
    return delay / 2 + std::max<std::int64_t>(age, 0) / drift_parts;
}

}  // namespace

void ClockOffset::add(std::int64_t sent, std::int64_t received, std::int64_t answered,
                      std::int64_t returned) {
    if (!is_sane(sent) || !is_sane(received) || !is_sane(answered) || !is_sane(returned))
        return;
    const std::int64_t delay = (returned - sent) - (answered - received);
    if (delay < 0 || answered < received)
        return;  // no clock does that
    const std::int64_t offset = (received - sent) / 2 + (answered - returned) / 2;
    // A clock that was set, or that stood while its machine slept: the pings before tell of another one.
    if (const auto known = estimate(returned);
        known && std::abs(offset - known->offset) > known->uncertainty + uncertainty_of(delay, 0) + rounding)
        pings_.clear();
    pings_.push_back({returned, offset, delay});
    if (pings_.size() > most_pings)
        pings_.pop_front();
}

std::optional<OffsetEstimate> ClockOffset::estimate(std::int64_t now) const {
    std::optional<OffsetEstimate> best;
    for (const Ping& ping : pings_) {
        const std::int64_t uncertainty = uncertainty_of(ping.delay, now - ping.at);
        if (!best || uncertainty < best->uncertainty)
            best = OffsetEstimate{ping.offset, uncertainty};
    }
    return best;
}

void NearTimes::follow(const OffsetEstimate& estimate, std::int64_t now) {
    const std::int64_t away = estimate.offset - offset_;
    if (!known_ || away > jump || away < -jump) {
        offset_ = estimate.offset;
    } else {
        const std::int64_t most = std::max<std::int64_t>(now - followed_at_, 0) / slew_parts;
        offset_ += std::clamp(away, -most, most);
    }
    known_ = true;
    followed_at_ = now;
}

std::int64_t NearTimes::at(std::int64_t far) const {
    if (far == no_time || !is_sane(far) || !is_sane(offset_))
        return no_time;
    return far - offset_;
}

std::int64_t NearTimes::next(Sequence& sequence, std::int64_t far) const {
    std::int64_t near = at(far);
    if (near == no_time)
        return near;
    if (sequence.far && far > *sequence.far)
        near = std::max(near, sequence.near + 1);
    else if (sequence.far && far == *sequence.far)
        near = sequence.near;
    sequence.far = far;
    sequence.near = near;
    return near;
}

}  // namespace ndsharray::mirror
