// SPDX-License-Identifier: BSD-3-Clause
// Runs one contender with one workload: starts the processes, leads them through the phases, collects.
#pragma once

#include "contender.hpp"
#include "result.hpp"
#include "workload.hpp"

namespace ndsharray::bench {

struct RunSettings {
    double settling = 0.3;  ///< seconds at the workload's pace before measuring
    double seconds = 1;     ///< measured
    unsigned frames_in_flight = bench::frames_in_flight;
};

/// Never throws: what goes wrong is the result's `problem`.
RunResult run(const Contender& contender, const Workload& workload, const RunSettings& settings);

}  // namespace ndsharray::bench
