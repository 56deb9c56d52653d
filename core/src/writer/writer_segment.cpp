// SPDX-License-Identifier: BSD-3-Clause
// A segment of a writer, with the reader table. It lives as long as frames of it are out.
#include "writer/writer_segment.hpp"

#include "testing/faults.hpp"

namespace ndsharray::detail {
namespace {

using namespace std::chrono_literals;

/// Time after which a writer without room tries again to get memory for a slot.
constexpr auto pause_without_room = 100ms;

constexpr std::uint32_t bit_of(std::uint32_t slot) noexcept {
    return std::uint32_t{1} << slot;
}

}  // namespace

// ---- slots to be filled

WritableFrame WriterSegment::claim(slots::ClaimRules rules) noexcept {
    const layout::ReaderTable& table = table_->words();
    // Ahead of need, because readers keep leases only if enough slots have memory. One slot per frame.
    if (segment_.ready() < slots::wanted(segment_, table, rules))
        reserve_another();
    auto slot = slots::claim(segment_, table, rules);
    while (!slot && reserve_another())
        slot = slots::claim(segment_, table, rules);
    return frame_in(slot);
}

WritableFrame WriterSegment::claim_pinned(slots::ClaimRules rules) noexcept {
    if (!may_pin(rules))
        return WritableFrame(WriteStatus::NoSlot);
    WritableFrame frame = claim(rules);
    frame.pinned_ = true;
    return frame;
}

/// A pool must leave slots to the writer and to readers. While there is room, these need no memory yet. But a
/// writer with backpressure could wait for ever: its upstream gives no slot back, and there is no memory for
/// another slot.
bool WriterSegment::may_pin(slots::ClaimRules rules) noexcept {
    const auto leaves_enough = [&](std::uint32_t slots) {
        return slots::may_pin(segment_, table_->words(), out_.load(std::memory_order_relaxed), slots);
    };
    if (!leaves_enough(segment_.slot_count()))
        return false;
    while ((rules.keeps_wanted || !has_room_) && !leaves_enough(segment_.ready()))
        if (!reserve_another())
            return false;
    return true;
}

bool WriterSegment::reserve_another() noexcept {
    if (segment_.ready() == segment_.slot_count())
        return false;
    // Only a writer without room reads the clock.
    if (!has_room_ && std::chrono::steady_clock::now() < reserve_again_)
        return false;
    has_room_ = segment_.reserve_another();
    if (!has_room_)
        reserve_again_ = std::chrono::steady_clock::now() + pause_without_room;
    return has_room_;
}

WritableFrame WriterSegment::frame_in(std::optional<std::uint32_t> slot) noexcept {
    // A table that was cut does not tell whether a reader holds the slot.
    if (!slot || table_->was_cut() || segment_.was_cut())
        return WritableFrame(WriteStatus::NoSlot);
    segment_.look_at_slot(*slot);
    out_.fetch_or(bit_of(*slot), std::memory_order_relaxed);
    WritableFrame frame(WriteStatus::Ok);
    frame.segment_ = shared_from_this();
    frame.slot_ = *slot;
    frame.data_ = segment_.data(*slot);
    return frame;
}

void WriterSegment::publish(WritableFrame& frame, const FrameInfo& info,
                            std::span<const std::byte> metadata) noexcept {
    if (frame.pinned_)
        slots::pin(segment_, frame.slot_);
    else
        out_.fetch_and(~bit_of(frame.slot_), std::memory_order_relaxed);
    slots::publish(segment_, frame.slot_, info, metadata);
    frame.published_ = true;
}

void WriterSegment::give_back(const WritableFrame& frame) noexcept {
    if (made_under_ != fork_count())
        return;  // the slot belongs to the parent
    if (frame.published_)
        slots::unpin(segment_, frame.slot_);
    else
        slots::put_back(segment_, frame.slot_);
    // This thread changes out_, then reads to_be_freed_. free_withdrawn() does it in the opposite order, all
    // sequentially consistent. So at least one of them frees the slot. Freeing it twice does no harm.
    out_.fetch_and(~bit_of(frame.slot_), std::memory_order_seq_cst);
    if ((to_be_freed_.load(std::memory_order_seq_cst) & bit_of(frame.slot_)) != 0)
        segment_.free_slot(frame.slot_);
    table_->notify_if_waiting();
}

// ---- the end of a segment

bool WriterSegment::can_be_left() const noexcept {
    return slots::all_can_follow(table_->words(), segment_.generation(), slots::latest(segment_).frame);
}

bool WriterSegment::is_drained() const noexcept {
    return slots::held(table_->words(), segment_.generation()).floor > slots::latest(segment_).frame;
}

void WriterSegment::withdraw() noexcept {
    withdrawn_ = slots::withdraw(segment_, table_->words());
    if (table_->is_cut())
        withdrawn_ = 0;  // a cut table does not tell which slots are held
}

void WriterSegment::free_withdrawn() noexcept {
    to_be_freed_.store(withdrawn_, std::memory_order_seq_cst);
    const std::uint32_t free = withdrawn_ & ~out_.load(std::memory_order_seq_cst);
    for (std::uint32_t slot = 0; slot < segment_.ready(); ++slot)
        if ((free & bit_of(slot)) != 0)
            segment_.free_slot(slot);
}

}  // namespace ndsharray::detail
