// SPDX-License-Identifier: BSD-3-Clause
// A segment as the writer holds it: with the table that says who reads, alive while frames of it are out.
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
    /// Starts to prepare some of the slots that are not ready.
    WriterSegment(Segment segment, std::shared_ptr<TableOwner> table);
    ~WriterSegment();
    WriterSegment(const WriterSegment&) = delete;
    WriterSegment& operator=(const WriterSegment&) = delete;

    const Segment& segment() const noexcept { return segment_; }

    /// Prepares one more slot at once. \returns false if there is none left.
    bool prepare_another() noexcept;

    /// Whether the first slots are just becoming usable, on another thread.
    bool is_preparing() const noexcept { return preparing_slots_.load(std::memory_order_acquire); }

    /// An empty frame if every slot is held. For one thread at a time.
    WritableFrame claim(slots::ClaimRules rules) noexcept;

    /// The same for a frame that stays out after it is published.
    WritableFrame claim_pinned(slots::ClaimRules rules) noexcept;

    /// Takes from readers what they neither hold nor may still want: see slots::withdraw(). The segment gets
    /// no more frames, and readers are not pointed to another one yet.
    void withdraw() noexcept;

    /// Gives back the memory of what was withdrawn, however long others keep the segment mapped. Slots that
    /// are still out on the writer's side follow when they come back. For the thread that called withdraw().
    void free_withdrawn() noexcept;

    /// Whether readers can be pointed to another segment without losing frames they were promised: see
    /// slots::all_can_follow(). For the segment with the newest frame.
    bool can_be_left() const noexcept;

    /// Whether readers that take every frame have had all of this segment, which has the newest.
    bool is_drained() const noexcept;

    /// Bytes that come free once the segment is withdrawn and while readers keep it mapped.
    std::uint64_t withdrawable_bytes() noexcept;

    /// Whether a reader may have the segment mapped, as far as the table knows.
    bool has_readers() const noexcept;

    /// Takes back what a frame holds. Any thread.
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
    std::atomic<std::uint32_t> to_be_freed_{0};  // the same, for those who give slots back
};

}  // namespace ndsharray::detail
