// SPDX-License-Identifier: BSD-3-Clause
// What the project wants to reach, and whether it did.
#include "targets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string_view>

namespace ndsharray::bench {
namespace {

constexpr const char* project = "ndsh";
constexpr std::string_view peers[] = {"shm", "unixfd"};

using Number = std::function<double(const Summary&)>;

struct Measured {
    double value = 0;
    std::string text;
};

std::string verdict(const std::optional<Measured>& measured, double limit, bool at_least) {
    if (!measured)
        return "not measured";
    return (at_least ? measured->value >= limit : measured->value <= limit) ? "met" : "missed";
}

Target at_most(std::string measure, double limit, std::string wanted,
               const std::optional<Measured>& measured) {
    return {std::move(measure), std::move(wanted), measured ? measured->text : "",
            verdict(measured, limit, false)};
}

Target at_least(std::string measure, double limit, std::string wanted,
                const std::optional<Measured>& measured) {
    return {std::move(measure), std::move(wanted), measured ? measured->text : "",
            verdict(measured, limit, true)};
}

/// Looks numbers up in the summaries of one run.
class Book {
  public:
    explicit Book(const std::vector<Summary>& summaries) : summaries_(summaries) {}

    std::optional<double> number(std::string_view workload, std::string_view contender,
                                 const Number& of) const {
        const Summary* summary = find(summaries_, workload, contender);
        return summary && summary->is_measured() ? std::optional(of(*summary)) : std::nullopt;
    }

    std::optional<Measured> against(std::string_view workload, std::string_view contender,
                                    const Number& of) const {
        const auto own = number(workload, project, of);
        const auto other = number(workload, contender, of);
        if (!own || !other || *other <= 0)
            return std::nullopt;
        return Measured{*own / *other,
                        fmt::format("{:.2f} x {} ({:.1f} : {:.1f})", *own / *other, contender, *own, *other)};
    }

    /// Against the peer that makes the project look worst.
    std::optional<Measured> against_better_peer(std::string_view workload, const Number& of,
                                                bool more_is_better) const {
        std::optional<Measured> worst;
        for (const std::string_view peer : peers) {
            const auto measured = against(workload, peer, of);
            if (measured && (!worst || (more_is_better ? measured->value < worst->value
                                                       : measured->value > worst->value)))
                worst = measured;
        }
        return worst;
    }

    const std::vector<Summary>& all() const { return summaries_; }

  private:
    const std::vector<Summary>& summaries_;
};

double latency(const Summary& summary) {
    return summary.latency_p50;
}

double frames(const Summary& summary) {
    return summary.arrived_per_second;
}

std::optional<Measured> cpu_above_baseline(const Book& book) {
    const Number both = [](const Summary& summary) { return summary.producer_cpu + summary.consumer_cpu; };
    const auto baseline = book.number("1080p-paced", "baseline", both);
    if (!baseline)
        return std::nullopt;
    return book.against_better_peer(
        "1080p-paced", [&](const Summary& summary) { return both(summary) - *baseline; }, false);
}

/// The worst of the workloads that keep one reader supplied.
std::optional<Measured> faults(const Book& book) {
    std::optional<Measured> worst;
    for (const std::string_view workload :
         {"1080p-paced", "1080p-paced-every-byte", "1080p-unpaced", "1080p-unpaced-every-byte"}) {
        const auto both = book.number(workload, project, [](const Summary& summary) {
            return std::max(summary.producer_faults, summary.consumer_faults);
        });
        if (both && (!worst || *both > worst->value))
            worst = Measured{*both, fmt::format("{:.4f} ({})", *both, workload)};
    }
    return worst;
}

std::optional<Measured> growth(const Book& book) {
    const auto grown = book.number("1080p-stopped-reader", project,
                                   [](const Summary& summary) { return summary.memory_growth(); });
    if (!grown)
        return std::nullopt;
    return Measured{*grown, fmt::format("{:.1f} MiB", *grown)};
}

std::optional<Measured> cost_of_readers(const Book& book) {
    const Number cost = [](const Summary& summary) { return summary.producer_cpu; };
    const auto many = book.number("1080p-paced-16-readers", project, cost);
    const auto one = book.number("1080p-paced", project, cost);
    if (!many || !one || *one <= 0)
        return std::nullopt;
    return Measured{*many / *one, fmt::format("{:.2f} x ({:.1f} : {:.1f} us)", *many / *one, *many, *one)};
}

std::optional<Measured> caps_change(const Book& book) {
    const Summary* summary = find(book.all(), "1080p-caps-changes", project);
    if (!summary || !summary->is_measured() || summary->caps_changes == 0)
        return std::nullopt;
    return Measured{
        summary->caps_to_new_frame_max,
        fmt::format("at most {:.1f} ms, median {:.1f} ms, {} changes", summary->caps_to_new_frame_max / 1000,
                    summary->caps_to_new_frame_p50 / 1000, summary->caps_changes)};
}

}  // namespace

std::vector<Target> targets(const std::vector<Summary>& summaries) {
    constexpr double segment_and_spare = 8 * (1920 * 1080 * 3 / (1024.0 * 1024)) + 8;  // MiB
    const Book book(summaries);
    return {
        at_most("latency p50, paced 60/s, against the futex floor", 1.5, "<= 1.5 x",
                book.against("1080p-paced", "futex", latency)),
        at_most("latency p50, paced 60/s, against the better peer", 0.7, "<= 0.7 x",
                book.against_better_peer("1080p-paced", latency, false)),
        at_most("CPU per frame above baseline, both processes, paced, against the better peer", 0.5,
                "<= 0.5 x", cpu_above_baseline(book)),
        at_least("frames/s unpaced, lossless, every byte touched, against the better peer", 1.15, ">= 1.15 x",
                 book.against_better_peer("1080p-unpaced-every-byte", frames, true)),
        at_least("frames/s unpaced, lossless, stamp only, against the better peer", 3, ">= 3 x",
                 book.against_better_peer("1080p-unpaced", frames, true)),
        at_most("minor faults per frame, either side", 0.01, "< 0.01", faults(book)),
        at_most("memory growth with a stopped reader, 10 s unpaced", segment_and_spare,
                fmt::format("<= {:.1f} MiB (8 frames + 8 MiB)", segment_and_spare), growth(book)),
        at_most("writer's CPU per frame, 16 readers against 1", 2, "<= 2 x", cost_of_readers(book)),
        at_most("caps event to first frame with them", 40'000, "<= 40 ms", caps_change(book)),
    };
}

}  // namespace ndsharray::bench
