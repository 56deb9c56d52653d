// SPDX-License-Identifier: BSD-3-Clause
// Many frames, many layouts, many tags: what the tests bear for a moment and tests/load for long.
#pragma once

#include <ndsharray/reader.hpp>
#include <ndsharray/writer.hpp>

#include <support/child_process.hpp>
#include <support/process_state.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace ndsharray::test {

/// What a reader saw until its stream ended, and what its process held early on and in the end.
struct Sight {
    std::uint64_t frames = 0;
    std::uint64_t missed = 0;
    std::uint64_t copies = 0;
    std::uint64_t torn = 0;
    std::uint64_t out_of_order = 0;
    std::chrono::nanoseconds first_latency{};  ///< median of the first tenth of the frames
    std::chrono::nanoseconds last_latency{};   ///< and of the last
    ProcessState early;
    ProcessState late;

    bool is_flawless() const noexcept { return torn == 0 && out_of_order == 0; }
};

/// Reads until the end of the stream. \param expected about how many frames that is.
Sight read_to_the_end(Reader& reader, std::uint64_t expected);

/// A process that does so. It says "attached" first.
ChildProcess start_reading(const std::string& tag, const ReaderOptions& options, std::uint64_t expected);

/// What it saw, once its stream ended.
Sight sight_of(ChildProcess& reading, std::chrono::milliseconds timeout);

/// Publishes frames of one layout, hands over the last one and ends the stream.
/// \returns how many were published.
std::uint64_t write_to_the_end(Writer& writer, const ArraySpec& spec, std::uint64_t count);

/// Publishes frames each of which has another layout than the one before, and reads each at once.
/// \returns how many came through whole.
std::uint64_t pass_layouts(Writer& writer, Reader& reader, std::uint64_t count);

}  // namespace ndsharray::test
