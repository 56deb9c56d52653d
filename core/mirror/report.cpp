// SPDX-License-Identifier: BSD-3-Clause
#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ndsharray::mirror {
namespace {

constexpr double enough = 0.9;  // of the frames that were asked for

std::string bits(double per_second) {
    return per_second < 1e6 ? fmt::format("{:.0f} kbit/s", per_second / 1e3)
                            : fmt::format("{:.0f} Mbit/s", per_second / 1e6);
}

template <typename Nanoseconds>
double ms(Nanoseconds nanoseconds) {
    return static_cast<double>(nanoseconds) / 1e6;
}

}  // namespace

std::string report(const FollowerState& before, const FollowerState& now, double seconds) {
    const auto frames = now.counts.frames - before.counts.frames;
    std::string line =
        fmt::format("{:.1f} frames/s, {} missed, {}", static_cast<double>(frames) / seconds,
                    now.counts.missed - before.counts.missed,
                    bits(static_cast<double>(now.wire_bytes - before.wire_bytes) * 8 / seconds));
    if (frames > 0 && now.counts.age_sum > before.counts.age_sum)
        line += fmt::format(", age {:.1f} ms (at most {:.1f})",
                            ms(now.counts.age_sum - before.counts.age_sum) / static_cast<double>(frames),
                            ms(now.counts.age_max));
    if (now.clock)
        line += fmt::format(", clock {:+.3f} ms, uncertain by {:.3f} ms", ms(now.clock->offset),
                            ms(now.clock->uncertainty));
    return line;
}

std::string link_problem(const FollowerOptions& options, const FollowerState& before,
                         const FollowerState& now, double seconds) {
    const auto published =
        (now.counts.frames - before.counts.frames) + (now.counts.missed - before.counts.missed);
    double asked = static_cast<double>(published) / seconds / options.every_nth;
    if (options.max_millihertz > 0)
        asked = std::min(asked, options.max_millihertz / 1000.0);
    const double got = static_cast<double>(now.counts.frames - before.counts.frames) / seconds;
    const bool has_stood_still = got == 0 || now.reconnects != before.reconnects;
    if (options.here.every || has_stood_still || got >= asked * enough)
        return {};
    const auto nth = static_cast<unsigned>(std::ceil(asked / got)) * options.every_nth;
    return fmt::format(
        "the link is too small: {:.1f} frames/s of {:.1f} MB need {}, and {} came; {:.1f} of {:.1f} frames/s "
        "are "
        "skipped. --every-nth {} fits, and so may --compress zstd or smaller frames",
        asked, static_cast<double>(now.frame_bytes) / 1e6,
        bits(asked * static_cast<double>(now.frame_bytes) * 8),
        bits(static_cast<double>(now.wire_bytes - before.wire_bytes) * 8 / seconds), asked - got, asked, nth);
}

}  // namespace ndsharray::mirror
