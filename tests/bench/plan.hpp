// SPDX-License-Identifier: BSD-3-Clause
// What one process of a run is told to do, and what it tells back: JSON over a Channel.
#pragma once

#include <support/child_process.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ndsharray::bench {

struct SourcePlan {
    std::string caps;
    std::string other_caps;
    std::size_t bytes = 0;
    double rate = 0;  ///< 0: unpaced
    bool every_byte = false;
    double settling = 0;  ///< seconds
    double seconds = 0;   ///< measured
    unsigned frames_in_flight = 0;
    unsigned frames_per_caps = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SourcePlan, caps, other_caps, bytes, rate, every_byte, settling, seconds,
                                   frames_in_flight, frames_per_caps)

struct SinkPlan {
    std::size_t bytes = 0;
    bool every_byte = false;
    bool filled = false;  ///< the producer writes every byte: what is read can be checked
    double delay = 0;     ///< seconds spent on each frame
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SinkPlan, bytes, every_byte, filled, delay)

struct ProcessPlan {
    std::string launch;     ///< of a pipeline
    std::string file;       ///< shared by both sides of the futex floor
    bool lossless = false;  ///< without GStreamer, where no launch line says it
    SourcePlan source;
    SinkPlan sink;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ProcessPlan, launch, file, lossless, source, sink)

/// What one side did while it was measured.
struct SideResult {
    std::uint64_t frames = 0;  ///< pushed, or arrived
    std::int64_t time = 0;     ///< nanoseconds
    std::int64_t processor = 0;
    std::int64_t minor_faults = 0;
    std::uint64_t torn = 0;                       ///< frames that were not what the producer wrote
    std::vector<std::int64_t> latencies;          ///< a sample, in nanoseconds
    std::int64_t greatest_latency = 0;            ///< of all
    std::vector<std::int64_t> caps_to_new_frame;  ///< caps event to first frame with them, in nanoseconds
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SideResult, frames, time, processor, minor_faults, torn, latencies,
                                   greatest_latency, caps_to_new_frame)

/// What a process says.
namespace event {
inline constexpr const char* pushing = "pushing";  ///< the first frame went through
inline constexpr const char* arrived = "arrived";  ///< the first frame came
inline constexpr const char* pushed = "pushed";    ///< all frames to be measured were pushed; with a result
inline constexpr const char* taken = "taken";      ///< the first frame after them came; with a result
inline constexpr const char* progress = "progress";
inline constexpr const char* error = "error";
}  // namespace event

/// What a process is told.
namespace command {
inline constexpr const char* go = "go";              ///< end the warm-up
inline constexpr const char* progress = "progress";  ///< say how many frames were pushed so far
inline constexpr const char* stop = "stop";
}  // namespace command

struct Message {
    std::string event;
    std::string text;
    SideResult result;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Message, event, text, result)

/// What a process was started with, and the same the other way.
ProcessPlan plan_of(const test::Arguments& arguments);
test::Arguments arguments_of(const ProcessPlan& plan);

void send(test::Channel& channel, const Message& message);
Message parse_message(const std::string& text);

/// Called from any thread.
using Notify = std::function<void(const Message&)>;

/// Sends what it is called with.
Notify notify_over(test::Channel& channel);

}  // namespace ndsharray::bench
