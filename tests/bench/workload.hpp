// SPDX-License-Identifier: BSD-3-Clause
// What is measured: frame format, pace, what both sides do with a frame, and how many read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ndsharray::bench {

struct VideoFormat {
    std::string name;  ///< for people: "1080p RGB"
    std::string caps;
    std::string other_caps;  ///< another format with frames of the same size, where caps change
    std::size_t bytes = 0;
};

/// How much of a frame a side touches: only its stamp, or every byte.
enum class Touch { Stamp, EveryByte };

struct Workload {
    std::string name;  ///< one word, for the command line
    VideoFormat format;
    double rate = 0;  ///< frames per second; 0: as fast as possible
    Touch producer = Touch::Stamp;
    Touch consumer = Touch::Stamp;
    unsigned readers = 1;          ///< all of them
    unsigned slow_readers = 0;     ///< of these, so many take 50 ms for each frame
    unsigned stopped_readers = 0;  ///< of these, so many are stopped (SIGSTOP) after their first frame
    bool lossless = false;         ///< every frame has to reach every reader
    unsigned frames_per_caps = 0;  ///< the caps change whenever so many frames were pushed; 0: never
    double least_seconds = 0;      ///< measured at least so long, and then only once

    bool paced() const noexcept { return rate > 0; }
};

/// For people: what the name stands for.
std::string describe(const Workload& workload);

enum class Selection { Quick, Default, Full };

/// In the order in which they are run and reported.
std::vector<Workload> workloads(Selection selection);

}  // namespace ndsharray::bench
