// SPDX-License-Identifier: BSD-3-Clause
// All rounds of one contender with one workload, as the numbers that are reported.
#include "summary.hpp"

#include <algorithm>

namespace ndsharray::bench {
namespace {

using Rounds = std::vector<const RunResult*>;

constexpr double mebibyte = 1024 * 1024;

double per_frame(double amount, std::uint64_t frames) {
    return frames > 0 ? amount / static_cast<double>(frames) : 0;
}

double per_second(const SideResult& side) {
    return side.time > 0 ? static_cast<double>(side.frames) * 1e9 / static_cast<double>(side.time) : 0;
}

double microseconds(std::int64_t nanoseconds) {
    return static_cast<double>(nanoseconds) / 1000;
}

/// Median over rounds of what `number` says of a round.
template <class Number>
double over_rounds(const Rounds& rounds, Number number) {
    std::vector<double> values;
    for (const RunResult* round : rounds)
        values.push_back(number(*round));
    return median(std::move(values));
}

template <class Number>
double greatest(const Rounds& rounds, Number number) {
    double greatest = number(*rounds.front());
    for (const RunResult* round : rounds)
        greatest = std::max(greatest, static_cast<double>(number(*round)));
    return greatest;
}

/// Mean over the round's consumers that are (or are not) slow.
template <class Number>
double over_consumers(const RunResult& round, bool slow, Number number) {
    double sum = 0;
    unsigned count = 0;
    for (const ProcessResult& consumer : round.consumers) {
        if (consumer.is_slow == slow) {
            sum += number(consumer);
            ++count;
        }
    }
    return count > 0 ? sum / count : 0;
}

/// Of what was pushed, how much did not reach a consumer that is not slow.
double lost_percent(const RunResult& round) {
    if (!round.shares_frames || round.producer.side.frames == 0)
        return 0;
    const auto pushed = static_cast<double>(round.producer.side.frames);
    return over_consumers(round, false, [pushed](const ProcessResult& consumer) {
        return 100 * (pushed - static_cast<double>(consumer.side.frames)) / pushed;
    });
}

void add_latencies(Summary& summary, const Rounds& rounds) {
    std::vector<double> all;
    std::vector<double> caps_to_new_frame;
    for (const RunResult* round : rounds) {
        for (const ProcessResult& consumer : round->consumers) {
            const SideResult& side = consumer.side;
            for (const std::int64_t change : side.caps_to_new_frame)
                caps_to_new_frame.push_back(microseconds(change));
            if (consumer.is_slow)
                continue;
            for (const std::int64_t latency : side.latencies)
                all.push_back(microseconds(latency));
            summary.latency_max = std::max(summary.latency_max, microseconds(side.greatest_latency));
        }
    }
    summary.latency_p50 = median(all);
    summary.latency_p99 = quantile(all, 0.99);
    summary.caps_changes = static_cast<unsigned>(caps_to_new_frame.size());
    summary.caps_to_new_frame_p50 = median(caps_to_new_frame);
    summary.caps_to_new_frame_max = quantile(caps_to_new_frame, 1);
}

void add_rates(Summary& summary, const Rounds& rounds) {
    const auto arrived = [](const ProcessResult& consumer) { return per_second(consumer.side); };
    summary.pushed_per_second =
        over_rounds(rounds, [](const RunResult& round) { return per_second(round.producer.side); });
    summary.arrived_per_second =
        over_rounds(rounds, [&](const RunResult& round) { return over_consumers(round, false, arrived); });
    summary.slow_arrived_per_second =
        over_rounds(rounds, [&](const RunResult& round) { return over_consumers(round, true, arrived); });
    summary.lost_percent = over_rounds(rounds, lost_percent);
    for (const RunResult* round : rounds)
        for (const ProcessResult& consumer : round->consumers)
            summary.torn += consumer.side.torn;
}

void add_costs(Summary& summary, const Rounds& rounds) {
    const auto cpu = [](const ProcessResult& process) {
        return per_frame(microseconds(process.side.processor), process.side.frames);
    };
    const auto faults = [](const ProcessResult& process) {
        return per_frame(static_cast<double>(process.side.minor_faults), process.side.frames);
    };
    summary.producer_cpu = over_rounds(rounds, [&](const RunResult& round) { return cpu(round.producer); });
    summary.consumer_cpu =
        over_rounds(rounds, [&](const RunResult& round) { return over_consumers(round, false, cpu); });
    summary.producer_faults =
        over_rounds(rounds, [&](const RunResult& round) { return faults(round.producer); });
    summary.consumer_faults =
        over_rounds(rounds, [&](const RunResult& round) { return over_consumers(round, false, faults); });
}

void add_memory(Summary& summary, const Rounds& rounds) {
    const auto peak = [](const ProcessResult& process) { return static_cast<double>(process.memory.peak); };
    summary.producer_peak =
        greatest(rounds, [&](const RunResult& round) { return peak(round.producer); }) / mebibyte;
    summary.consumer_peak =
        greatest(rounds, [&](const RunResult& round) { return over_consumers(round, false, peak); }) /
        mebibyte;
    summary.shared_memory =
        greatest(rounds, [](const RunResult& round) { return static_cast<double>(round.shared_memory); }) /
        mebibyte;
    summary.shared_memory_growth =
        greatest(rounds,
                 [](const RunResult& round) { return static_cast<double>(round.shared_memory_growth); }) /
        mebibyte;
    summary.private_memory_growth =
        greatest(rounds,
                 [](const RunResult& round) { return static_cast<double>(round.private_memory_growth); }) /
        mebibyte;
}

Summary summarize_one(const Rounds& all) {
    Summary summary;
    summary.workload = all.front()->workload;
    summary.contender = all.front()->contender;
    Rounds rounds;
    for (const RunResult* round : all) {
        if (round->problem.empty())
            rounds.push_back(round);
        else if (summary.problem.empty())
            summary.problem = round->problem;
        summary.has_stalled |= round->has_stalled;
    }
    summary.rounds = static_cast<unsigned>(rounds.size());
    if (rounds.empty())
        return summary;
    add_latencies(summary, rounds);
    add_rates(summary, rounds);
    add_costs(summary, rounds);
    add_memory(summary, rounds);
    return summary;
}

}  // namespace

std::vector<Summary> summarize(const std::vector<RunResult>& results) {
    std::vector<Rounds> groups;
    for (const RunResult& result : results) {
        const auto group = std::ranges::find_if(groups, [&](const Rounds& rounds) {
            return rounds.front()->workload == result.workload &&
                   rounds.front()->contender == result.contender;
        });
        if (group == groups.end())
            groups.push_back({&result});
        else
            group->push_back(&result);
    }
    std::vector<Summary> summaries;
    for (const Rounds& rounds : groups)
        summaries.push_back(summarize_one(rounds));
    return summaries;
}

const Summary* find(const std::vector<Summary>& summaries, std::string_view workload,
                    std::string_view contender) {
    const auto found = std::ranges::find_if(summaries, [&](const Summary& summary) {
        return summary.workload == workload && summary.contender == contender;
    });
    return found == summaries.end() ? nullptr : &*found;
}

}  // namespace ndsharray::bench
