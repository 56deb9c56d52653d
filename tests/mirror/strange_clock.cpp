// SPDX-License-Identifier: BSD-3-Clause
// The clock of another machine, for processes that are started with this in LD_PRELOAD: CLOCK_MONOTONIC
// drifts and steps as STRANGE_CLOCK says: "START DRIFT STEP_AT STEP_BY", in ns of the real clock, parts per
// million, ns after START and ns.
#include <dlfcn.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>

namespace {

constexpr long long second = 1'000'000'000;

decltype(&clock_gettime) real_gettime = nullptr;
decltype(&clock_nanosleep) real_nanosleep = nullptr;
long long start = 0, drift = 0, step_at = 0, step_by = 0;

void begin() {
    real_gettime = reinterpret_cast<decltype(real_gettime)>(dlsym(RTLD_NEXT, "clock_gettime"));
    real_nanosleep = reinterpret_cast<decltype(real_nanosleep)>(dlsym(RTLD_NEXT, "clock_nanosleep"));
    const char* const text = std::getenv("STRANGE_CLOCK");
    if (text && std::sscanf(text, "%lld %lld %lld %lld", &start, &drift, &step_at, &step_by) != 4)
        std::abort();
}

[[gnu::constructor]] void begin_early() {
    if (real_gettime == nullptr)
        begin();
}

long long ahead(long long now) {
    const long long passed = now - start;
    if (start == 0 || passed < 0)
        return 0;
    return passed / 1'000'000 * drift + (passed > step_at ? step_by : 0);
}

long long number(const timespec& time) {
    return time.tv_sec * second + time.tv_nsec;
}

timespec timespec_of(long long number) {
    timespec time{};
    time.tv_sec = static_cast<time_t>(number / second);
    time.tv_nsec = static_cast<long>(number % second);
    return time;
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
    if (real_gettime == nullptr)
        begin();
    const int result = real_gettime(clock, time);
    if (result == 0 && clock == CLOCK_MONOTONIC)
        *time = timespec_of(number(*time) + ahead(number(*time)));
    return result;
}

// Python sleeps until an instant.
extern "C" int clock_nanosleep(clockid_t clock, int flags, const timespec* time, timespec* left) {
    if (clock != CLOCK_MONOTONIC || (flags & TIMER_ABSTIME) == 0)
        return real_nanosleep(clock, flags, time, left);
    timespec now{};
    real_gettime(clock, &now);
    const timespec until = timespec_of(number(*time) - ahead(number(now)));
    return real_nanosleep(clock, flags, &until, left);
}
