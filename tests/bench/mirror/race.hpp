// SPDX-License-Identifier: BSD-3-Clause
// What both contenders of the race do alike: stamped frames, and numbers as one line of JSON.
#pragma once

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace race {

inline std::int64_t now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

inline void sleep_until(std::int64_t when) {
    const timespec time{static_cast<time_t>(when / 1'000'000'000), static_cast<long>(when % 1'000'000'000)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
}

/// Both namespaces are on one machine, so that one clock measures both sides.
struct Stamp {
    std::uint64_t number = 0;
    std::int64_t published = 0;
};

inline std::atomic<bool> ended{false};

inline void end_on_sigterm() {
    struct sigaction action {};
    action.sa_handler = [](int) { ended = true; };
    sigaction(SIGTERM, &action, nullptr);
}

inline double processor_seconds() {
    rusage use{};
    getrusage(RUSAGE_SELF, &use);
    const auto seconds = [](const timeval& time) { return double(time.tv_sec) + double(time.tv_usec) / 1e6; };
    return seconds(use.ru_utime) + seconds(use.ru_stime);
}

inline long memory_kib() {
    rusage use{};
    getrusage(RUSAGE_SELF, &use);
    return use.ru_maxrss;
}

struct Arrivals {
    std::vector<std::int64_t> latencies;
    std::uint64_t last = 0;
    std::uint64_t unordered = 0;

    void add(const Stamp& stamp) {
        latencies.push_back(now() - stamp.published);
        unordered += stamp.number <= last;
        last = stamp.number;
    }

    void print() {
        std::sort(latencies.begin(), latencies.end());
        const auto at = [&](double part) {
            return latencies.empty()
                       ? 0.0
                       : double(latencies[std::size_t(part * double(latencies.size() - 1))]) / 1e6;
        };
        std::printf(
            "{\"received\": %zu, \"unordered\": %llu, \"p50\": %.2f, \"p95\": %.2f, \"max\": %.2f, \"cpu\": "
            "%.3f, \"memory\": %ld}\n",
            latencies.size(), static_cast<unsigned long long>(unordered), at(0.5), at(0.95), at(1.0),
            processor_seconds(), memory_kib());
    }
};

inline void print_sent(std::uint64_t published) {
    std::printf("{\"published\": %llu, \"cpu\": %.3f, \"memory\": %ld}\n",
                static_cast<unsigned long long>(published), processor_seconds(), memory_kib());
}

}  // namespace race
