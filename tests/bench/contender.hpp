// SPDX-License-Identifier: BSD-3-Clause
// Who is measured: a pair of elements that carries frames between processes, or something to compare with.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "workload.hpp"

namespace ndsharray::bench {

enum class Kind {
    Elements,  ///< a sink in one process, a source in each of the others
    Baseline,  ///< the same pipelines, each with an end of its own: what they cost without sharing anything
    Core,      ///< the project's library without GStreamer
    Futex,     ///< the floor of latency: one futex wake between the processes, no frame
    Memcpy,    ///< one frame copied inside one process
};

struct Contender {
    std::string name;
    Kind kind = Kind::Elements;
    std::vector<std::string> elements;  ///< what GStreamer must have
};

/// The project first, then its peers, then what to compare with.
const std::vector<Contender>& contenders();

/// Empty if it can run here, or why it cannot.
std::string problem(const Contender& contender);

/// Whether this workload means anything for it.
bool applies(const Contender& contender, const Workload& workload);

/// Launch lines with the elements benchsrc and benchsink; `folder` is for the files of this run alone.
std::string producer_launch(const Contender& contender, const Workload& workload,
                            const std::filesystem::path& folder);
std::string consumer_launch(const Contender& contender, const Workload& workload,
                            const std::filesystem::path& folder);

/// Frames a producer may have in flight where the sink offers no pool of its own: as many as ndshsink has
/// slots by default.
inline constexpr unsigned frames_in_flight = 8;

}  // namespace ndsharray::bench
