// SPDX-License-Identifier: BSD-3-Clause
#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

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

/// Of the frames between two looks, by the numbers and times that they have from over there.
struct Asked {
    double rate = 0;
    double got = 0;  // of that
};

std::optional<Asked> asked_for(const FollowerOptions& options, const MirroredTagCounts& before,
                               const MirroredTagCounts& now) {
    if (before.number == 0 || now.number <= before.number || now.published <= before.published)
        return std::nullopt;
    const double seconds = static_cast<double>(now.published - before.published) / 1e9;
    double rate = static_cast<double>(now.number - before.number) / seconds / options.every_nth;
    if (options.max_millihertz > 0)
        rate = std::min(rate, options.max_millihertz / 1000.0);
    return Asked{rate, static_cast<double>(now.frames - before.frames) / seconds};
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
    const auto asked = asked_for(options, before.counts, now.counts);
    if (!asked || now.reconnects != before.reconnects || asked->got >= asked->rate * enough)
        return {};
    const bool is_compressed = options.compression != Compression::None;
    const double wire_bytes = static_cast<double>(now.wire_bytes - before.wire_bytes);
    const double frame_bytes =
        is_compressed ? wire_bytes / static_cast<double>(now.counts.frames - before.counts.frames)
                      : static_cast<double>(now.frame_bytes);
    const auto nth = static_cast<unsigned>(std::ceil(asked->rate / asked->got)) * options.every_nth;
    return fmt::format(
        "the link is too small: {:.1f} frames/s of {:.1f} MB{} need {}, and {} came; {:.1f} of {:.1f} "
        "frames/s "
        "are skipped. --every-nth {} fits, and so may {}smaller frames",
        asked->rate, frame_bytes / 1e6, is_compressed ? " (compressed)" : "",
        bits(asked->rate * frame_bytes * 8), bits(wire_bytes * 8 / seconds), asked->rate - asked->got,
        asked->rate, nth, is_compressed ? "" : "--compress zstd or ");
}

std::string LinkLooks::look(const FollowerOptions& options, const FollowerState& now, double seconds) {
    seconds_ += seconds;
    ++looks_;
    const bool is_cut = now.reconnects != before_.reconnects;
    if (now.counts.frames == before_.counts.frames && !is_cut)
        return {};
    const std::string problem = link_problem(options, before_, now, seconds_);
    small_looks_ = problem.empty() ? 0 : small_looks_ + looks_;
    before_ = now;
    seconds_ = 0;
    looks_ = 0;
    told_ = told_ && !problem.empty();
    if (small_looks_ < 2 || told_)
        return {};
    told_ = true;
    return problem;
}

}  // namespace ndsharray::mirror
