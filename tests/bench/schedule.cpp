// SPDX-License-Identifier: BSD-3-Clause
// When the next frame is due, and which phase of the run it belongs to.
#include "schedule.hpp"

#include <time.h>

#include <algorithm>
#include <cerrno>

namespace ndsharray::bench {
namespace {

constexpr double warm_up_rate = 60;
constexpr std::int64_t second = 1'000'000'000;

void sleep_until(std::int64_t instant) noexcept {
    const timespec until{instant / second, instant % second};
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
    }
}

}  // namespace

Schedule::Schedule(double rate, double settling, double measured) noexcept
    : rate_(rate),
      settling_(static_cast<std::int64_t>(settling * second)),
      measured_(static_cast<std::int64_t>(measured * second)) {}

Phase Schedule::next() noexcept {
    wait_for_tick();
    advance();
    return phase_;
}

void Schedule::wait_for_tick() noexcept {
    const bool own_pace = phase_ == Phase::Settling || phase_ == Phase::Measured;
    const double rate = own_pace ? rate_ : warm_up_rate;
    if (rate <= 0)
        return;
    const auto period = static_cast<std::int64_t>(second / rate);
    const std::int64_t present = now();
    tick_ += period;
    if (tick_ + period < present)
        tick_ = present;
    if (tick_ > present)
        sleep_until(tick_);
}

void Schedule::advance() noexcept {
    const std::int64_t present = now();
    if (phase_ == Phase::WarmUp && go_) {
        phase_ = Phase::Settling;
        phase_end_ = present + settling_;
    } else if (phase_ == Phase::Settling && present >= phase_end_) {
        phase_ = Phase::Measured;
        phase_end_ = present + measured_;
    } else if (phase_ == Phase::Measured && present >= phase_end_) {
        phase_ = Phase::Over;
    }
}

}  // namespace ndsharray::bench
