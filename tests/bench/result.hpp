// SPDX-License-Identifier: BSD-3-Clause
// What one run gave: one contender with one workload, once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "measure.hpp"
#include "plan.hpp"

namespace ndsharray::bench {

struct ProcessResult {
    SideResult side;
    ProcessMemory memory;  ///< at the end
    bool is_slow = false;
};

struct RunResult {
    std::string workload;
    std::string contender;
    std::string problem;       ///< why there is no result; else empty
    bool has_stalled = false;  ///< the producer never came to the end: something waits for a reader
    ProcessResult producer;
    std::vector<ProcessResult> consumers;    ///< without stopped ones
    bool shares_frames = true;               ///< consumers get the producer's frames, not their own
    std::uint64_t shared_memory = 0;         ///< bytes, at the end
    std::int64_t shared_memory_growth = 0;   ///< since every reader had its first frame
    std::int64_t private_memory_growth = 0;  ///< the same for the anonymous memory of all processes
};

}  // namespace ndsharray::bench
