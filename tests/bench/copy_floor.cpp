// SPDX-License-Identifier: BSD-3-Clause
// The price of one copy: memcpy of a frame, inside one process.
#include "copy_floor.hpp"

#include <cstring>
#include <vector>

#include "measure.hpp"
#include "stamp.hpp"

namespace ndsharray::bench {

SideResult copy_frames(std::size_t bytes, unsigned pairs, double seconds) {
    using Frames = std::vector<std::vector<std::byte>>;
    const Frames sources(pairs, std::vector<std::byte>(bytes, std::byte{1}));
    Frames copies(pairs, std::vector<std::byte>(bytes, std::byte{2}));  // touched, so that no page is missing
    LatencySamples durations;
    SideResult result;
    const Usage start = usage_now();
    const std::int64_t end = start.time + static_cast<std::int64_t>(seconds * 1e9);
    for (std::int64_t before = start.time; before < end; ++result.frames) {
        const std::size_t place = result.frames % pairs;
        before = now();
        std::memcpy(copies[place].data(), sources[place].data(), bytes);
        asm volatile("" : : "r"(copies[place].data()) : "memory");  // the copy is needed
        durations.record(now() - before);
    }
    const Usage used = usage_now() - start;
    result.time = used.time;
    result.processor = used.processor;
    result.minor_faults = used.minor_faults;
    result.latencies.assign(durations.sample().begin(), durations.sample().end());
    result.greatest_latency = durations.greatest();
    return result;
}

}  // namespace ndsharray::bench
