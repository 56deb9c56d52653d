// SPDX-License-Identifier: BSD-3-Clause
// A segment of a writer, with the reader table. It lives as long as frames of it are out.
#pragma once

#include "process/fork_guard.hpp"
#include "protocol/reader_table.hpp"
#include "protocol/segment.hpp"
#include "protocol/slots.hpp"

#include <ndsharray/writer.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace ndsharray::detail {

/// For one thread at a time, except give_back(). Slots get memory when they are needed, in the thread that
/// claims them: the first use of each slot makes system calls, and later uses make none.
class WriterSegment : public std::enable_shared_from_this<WriterSegment> {
  public:
    WriterSegment(Segment segment, std::shared_ptr<TableOwner> table)
        : segment_(std::move(segment)), table_(std::move(table)), made_under_(fork_count()) {}
    WriterSegment(const WriterSegment&) = delete;
    WriterSegment& operator=(const WriterSegment&) = delete;

    const Segment& segment() const noexcept { return segment_; }

    /// Claims a slot. The frame is empty if every slot is held, and there is no room for another one.
    WritableFrame claim(slots::ClaimRules rules) noexcept;

    /// The same for a pool's frame, which the pool still holds after it is published.
    WritableFrame claim_pinned(slots::ClaimRules rules) noexcept;

    /// Whether claim_pinned() may succeed now or when readers have taken frames.
    bool may_pin(slots::ClaimRules rules) noexcept;

    /// Makes a frame of claim() or claim_pinned() the newest one.
    void publish(WritableFrame& frame, const FrameInfo& info, std::span<const std::byte> metadata) noexcept;

    /// Number of slots that have memory, or for which there is room as far as is known.
    std::uint32_t usable_slots() const noexcept {
        return has_room_ ? segment_.slot_count() : segment_.ready();
    }

    /// Withdraws slots that readers neither hold nor may still take, see slots::withdraw(). For a segment
    /// that gets no more frames, before the next one is announced.
    void withdraw() noexcept;

    /// Frees the memory of withdrawn slots, even if other processes keep the segment mapped. Slots that the
    /// writer's side still holds are freed when they are given back. For the thread that called withdraw().
    void free_withdrawn() noexcept;

    /// Whether another segment can be announced without an `Every` reader losing frames, see
    /// slots::all_can_follow(). For the segment with the newest frame.
    bool can_be_left() const noexcept;

    /// Whether `Every` readers have taken all frames of this segment. For the segment with the newest frame.
    bool is_drained() const noexcept;

    /// Takes back the slot of a frame. Any thread.
    void give_back(const WritableFrame& frame) noexcept;

  private:
    bool reserve_another() noexcept;
    WritableFrame frame_in(std::optional<std::uint32_t> slot) noexcept;

    Segment segment_;
    std::shared_ptr<TableOwner> table_;
    std::uint32_t made_under_;
    bool has_room_ = true;  // false after a slot got no memory
    std::chrono::steady_clock::time_point reserve_again_{};
    std::uint32_t withdrawn_ = 0;                // bit per slot; for the thread that withdraws
    std::atomic<std::uint32_t> out_{0};          // slots of claimed frames that were not given back
    std::atomic<std::uint32_t> to_be_freed_{0};  // withdrawn_, for threads that give slots back
};

}  // namespace ndsharray::detail
