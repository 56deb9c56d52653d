// SPDX-License-Identifier: BSD-3-Clause
// What a measured frame carries: a stamp in its first bytes, and a pattern that tells whether it is whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ndsharray::bench {

/// How far a run has come; the frames say it, so that both sides measure the same ones.
enum class Phase : std::uint32_t {
    WarmUp,    ///< 60 frames per second, until every reader has seen one
    Settling,  ///< the workload's own pace, not measured yet
    Measured,
    Over,  ///< 60 frames per second again, so that every reader learns of it
};

struct Stamp {
    static constexpr std::uint64_t right_magic = 0x6e6473682d626368;

    std::uint64_t magic = right_magic;
    std::uint64_t index = 0;        ///< counts frames, from 1
    std::int64_t pushed = 0;        ///< CLOCK_MONOTONIC right before the frame was pushed, in nanoseconds
    std::int64_t caps_changed = 0;  ///< the same right before the newest caps event was sent
    std::uint32_t caps_number = 0;  ///< counts caps events
    Phase phase = Phase::WarmUp;
};
static_assert(sizeof(Stamp) == 40);

/// CLOCK_MONOTONIC in nanoseconds: the same for all processes.
std::int64_t now() noexcept;

void write_stamp(std::span<std::byte> frame, const Stamp& stamp) noexcept;
Stamp read_stamp(std::span<const std::byte> frame) noexcept;

/// Writes every byte of the frame behind the stamp. Frames are a multiple of 8 bytes long.
void fill(std::span<std::byte> frame, std::uint64_t index) noexcept;

/// Reads every byte of the frame. \returns whether they are what fill() wrote for this index.
bool is_filled(std::span<const std::byte> frame, std::uint64_t index) noexcept;

}  // namespace ndsharray::bench
