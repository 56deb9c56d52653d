// SPDX-License-Identifier: BSD-3-Clause
// All rounds of one contender with one workload, as the numbers that are reported.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "result.hpp"

namespace ndsharray::bench {

/// tests/bench/README.md defines each number. Times in microseconds, memory in MiB, medians over rounds
/// unless it says otherwise. What was not measured is 0.
struct Summary {
    std::string workload;
    std::string contender;
    std::string problem;  ///< of the first round that had one
    unsigned rounds = 0;  ///< that gave a result
    bool has_stalled = false;

    double pushed_per_second = 0;
    double arrived_per_second = 0;
    double slow_arrived_per_second = 0;
    double lost_percent = 0;
    std::uint64_t torn = 0;  ///< in all rounds

    double latency_p50 = 0;  ///< over all frames of all rounds
    double latency_p99 = 0;
    double latency_max = 0;

    double producer_cpu = 0;
    double consumer_cpu = 0;
    double producer_faults = 0;
    double consumer_faults = 0;

    double producer_peak = 0;  ///< the greatest of all rounds, like all memory
    double consumer_peak = 0;
    double shared_memory = 0;
    double shared_memory_growth = 0;
    double private_memory_growth = 0;

    unsigned caps_changes = 0;
    double caps_to_new_frame_p50 = 0;
    double caps_to_new_frame_max = 0;

    double memory_growth() const noexcept { return shared_memory_growth + private_memory_growth; }
    bool is_measured() const noexcept { return rounds > 0 && !has_stalled; }
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Summary, workload, contender, problem, rounds, has_stalled,
                                   pushed_per_second, arrived_per_second, slow_arrived_per_second,
                                   lost_percent, torn, latency_p50, latency_p99, latency_max, producer_cpu,
                                   consumer_cpu, producer_faults, consumer_faults, producer_peak,
                                   consumer_peak, shared_memory, shared_memory_growth, private_memory_growth,
                                   caps_changes, caps_to_new_frame_p50, caps_to_new_frame_max)

/// One per workload and contender, in the order of their first appearance.
std::vector<Summary> summarize(const std::vector<RunResult>& results);

/// \returns nullptr if there is none.
const Summary* find(const std::vector<Summary>& summaries, std::string_view workload,
                    std::string_view contender);

}  // namespace ndsharray::bench
