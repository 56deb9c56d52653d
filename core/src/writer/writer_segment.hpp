// SPDX-License-Identifier: BSD-3-Clause
// A segment as the writer has it, with the reader table. It lives while frames of it are out.
#pragma once

#include "process/fork_guard.hpp"
#include "process/interrupt.hpp"
#include "protocol/reader_table.hpp"
#include "protocol/segment.hpp"
#include "protocol/slots.hpp"

#include <ndsharray/writer.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace ndsharray::detail {

class WriterSegment : public std::enable_shared_from_this<WriterSegment> {
  public:
    /// Starts to prepare some of the closed slots.
    WriterSegment(Segment segment, std::shared_ptr<TableOwner> table);
    ~WriterSegment();
    WriterSegment(const WriterSegment&) = delete;
    WriterSegment& operator=(const WriterSegment&) = delete;

    const Segment& segment() const noexcept { return segment_; }

    /// Prepares one more slot at once. \returns false if there is none left.
    bool prepare_another() noexcept;

    /// Whether another thread is preparing the first slots.
    bool is_preparing() const noexcept { return preparing_slots_.load(std::memory_order_acquire); }

    /// Claims a slot. The frame is empty if every slot is held. For one thread at a time.
    WritableFrame claim(slots::ClaimRules rules) noexcept;

    /// The same for a pool's frame, which the pool still holds after it is published.
    WritableFrame claim_pinned(slots::ClaimRules rules) noexcept;

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

    /// Bytes that withdraw() and free_withdrawn() would free while readers keep the segment mapped.
    std::uint64_t withdrawable_bytes() noexcept;

    /// Whether a reader with an entry in the table may have the segment mapped.
    bool has_readers() const noexcept;

    /// Takes back the slot of a frame. Any thread.
    void give_back(const WritableFrame& frame) const noexcept;

  private:
    void prepare_slots() noexcept;
    void stop_preparing() noexcept;
    bool stays_in_use() noexcept;
    WritableFrame frame_in(std::optional<std::uint32_t> slot, bool pinned) noexcept;

    Segment segment_;
    std::shared_ptr<TableOwner> table_;
    std::uint32_t made_under_;
    std::mutex preparation_;  // of this process only; held while one slot is prepared
    Interrupt stop_;  // no condition variable: a forked child could not destroy one on which the thread waits
    std::atomic<bool> preparing_slots_{false};
    std::atomic<std::uint32_t> prepared_{Segment::ready_at_first};
    std::unique_ptr<std::thread> preparing_;
    slots::Withdrawn withdrawn_;                 // for the thread that withdraws
    std::atomic<std::uint32_t> to_be_freed_{0};  // the same slots, for threads that give slots back
};

}  // namespace ndsharray::detail
