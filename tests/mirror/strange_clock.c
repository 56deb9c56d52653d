// SPDX-License-Identifier: BSD-3-Clause
// The clock of another machine, for processes that are started with this in LD_PRELOAD: CLOCK_MONOTONIC drifts and steps as
// STRANGE_CLOCK says: "START DRIFT STEP_AT STEP_BY", in ns of the real clock, parts per million, ns after START and ns.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SECOND 1000000000LL

static int (*real_gettime)(clockid_t, struct timespec *);
static int (*real_nanosleep)(clockid_t, int, const struct timespec *, struct timespec *);
static long long start, drift, step_at, step_by;

__attribute__((constructor)) static void begin(void) {
    real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    real_nanosleep = (int (*)(clockid_t, int, const struct timespec *, struct timespec *))dlsym(
        RTLD_NEXT, "clock_nanosleep");
    const char *text = getenv("STRANGE_CLOCK");
    if (text && sscanf(text, "%lld %lld %lld %lld", &start, &drift, &step_at, &step_by) != 4)
        abort();
}

static long long ahead(long long now) {
    const long long passed = now - start;
    if (start == 0 || passed < 0)
        return 0;
    return passed / 1000000 * drift + (passed > step_at ? step_by : 0);
}

static long long number(const struct timespec *time) {
    return time->tv_sec * SECOND + time->tv_nsec;
}

static struct timespec timespec_of(long long number) {
    const struct timespec time = {number / SECOND, number % SECOND};
    return time;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (!real_gettime)
        begin();
    const int result = real_gettime(clock, time);
    if (result == 0 && clock == CLOCK_MONOTONIC)
        *time = timespec_of(number(time) + ahead(number(time)));
    return result;
}

// Python sleeps until an instant.
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left) {
    if (clock != CLOCK_MONOTONIC || !(flags & TIMER_ABSTIME))
        return real_nanosleep(clock, flags, time, left);
    struct timespec now;
    real_gettime(clock, &now);
    const struct timespec until = timespec_of(number(time) - ahead(number(&now)));
    return real_nanosleep(clock, flags, &until, left);
}
