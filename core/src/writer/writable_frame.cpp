// SPDX-License-Identifier: BSD-3-Clause
// WriterSegment and WritableFrame: slots that the writer has claimed.
#include "writer/writer_segment.hpp"

#include "testing/faults.hpp"

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <utility>

namespace ndsharray {
namespace detail {
namespace {

/// Slots that are prepared in advance: the newest frame, one that is being filled, two that readers hold.
constexpr std::uint32_t slots_ahead = 4;

/// Time of use after which the other slots are prepared.
constexpr std::chrono::milliseconds settled{200};

}  // namespace

WriterSegment::WriterSegment(Segment segment, std::shared_ptr<TableOwner> table)
    : segment_(std::move(segment)), table_(std::move(table)), made_under_(fork_count()) {
    if (segment_.slot_count() <= Segment::ready_at_first)
        return;
    preparing_slots_.store(true, std::memory_order_relaxed);
    try {
        preparing_ = platform::start_thread([this] { prepare_slots(); });
    } catch (const std::exception&) {
        prepare_slots();  // no thread can be started
    }
}

WriterSegment::~WriterSegment() {
    if (made_under_ != fork_count()) {
        static_cast<void>(preparing_.release());  // the thread exists only in the parent
        return;
    }
    stop_preparing();
}

void WriterSegment::stop_preparing() noexcept {
    stop_.cancel();
    if (preparing_)
        preparing_->join();
    preparing_.reset();
}

bool WriterSegment::prepare_another() noexcept {
    const std::lock_guard guard(preparation_);
    const std::uint32_t slot = prepared_.load(std::memory_order_relaxed);
    if (slot == segment_.slot_count())
        return false;
    segment_.prepare_slot(slot);
    NDSHARRAY_FAULT_POINT(SlotPrepared);
    slots::open_slot(segment_, slot);
    NDSHARRAY_FAULT_POINT(SlotOpened);
    prepared_.store(slot + 1, std::memory_order_relaxed);
    table_->notify_if_waiting();
    return true;
}

/// Runs in a thread of its own, so that the first frame does not wait for the memory of later frames. A
/// writer that changes its layout soon does not pay for slots that it never uses.
void WriterSegment::prepare_slots() noexcept {
    const auto stopped = [this] { return stop_.cancelled(); };
    while (prepared_.load(std::memory_order_relaxed) < slots_ahead && !stopped() && prepare_another()) {
    }
    // Release: a thread that sees this sees the slot that was prepared last.
    preparing_slots_.store(false, std::memory_order_release);
    table_->notify_if_waiting();
    if (!stays_in_use())
        return;
    // Huge pages make access to a whole frame a quarter faster. Their preparation takes five times as long as
    // that of small pages. This pays for a segment that stays in use.
    for (std::optional<std::uint64_t> at = 0; at && !stopped();)
        at = segment_.use_huge_page(*at);
    while (!stopped() && prepare_another()) {
    }
}

/// Waits until the segment has been in use for some time. \returns false if it is given up before.
bool WriterSegment::stays_in_use() noexcept {
    const platform::Deadline wait_until = platform::deadline_after(settled);
    while (!platform::has_passed(wait_until)) {
        const platform::Watched interrupted = stop_.now();
        if (stop_.cancelled())
            return false;
        platform::wait_private(interrupted, wait_until);
    }
    return true;
}

WritableFrame WriterSegment::claim(slots::ClaimRules rules) noexcept {
    return frame_in(slots::claim(segment_, table_->words(), rules), false);
}

WritableFrame WriterSegment::claim_pinned(slots::ClaimRules rules) noexcept {
    return frame_in(slots::claim_pinned(segment_, table_->words(), rules), true);
}

WritableFrame WriterSegment::frame_in(std::optional<std::uint32_t> slot, bool pinned) noexcept {
    // A table that was cut does not tell whether a reader holds the slot.
    if (!slot || table_->was_cut() || segment_.was_cut())
        return WritableFrame(WriteStatus::NoSlot);
    WritableFrame frame(WriteStatus::Ok);
    frame.segment_ = shared_from_this();
    frame.slot_ = *slot;
    frame.data_ = segment_.data(*slot);
    frame.pinned_ = pinned;
    return frame;
}

void WriterSegment::give_back(const WritableFrame& frame) const noexcept {
    if (made_under_ != fork_count())
        return;  // the slot belongs to the parent
    if (frame.pinned_)
        slots::unpin(segment_, frame.slot_, frame.published_);
    else
        slots::put_back(segment_, frame.slot_);
    table_->notify_if_waiting();
    // This thread gives the slot back, passes a full fence, and reads to_be_freed_. free_withdrawn() does it
    // in the opposite order. So at least one of them sees that the slot is to be freed. Freeing it twice does
    // no harm.
    if ((to_be_freed_.load(std::memory_order_relaxed) & std::uint32_t{1} << frame.slot_) != 0)
        segment_.free_slot(frame.slot_);
}

// ---- the end of a segment

bool WriterSegment::has_readers() const noexcept {
    // A reader becomes active, passes a full fence, and reads which segment is announced. The writer has
    // announced another segment, passes a fence, and reads `active`. So at least one of them sees the other.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return table_->words().active.load(std::memory_order_relaxed) != 0;
}

bool WriterSegment::can_be_left() const noexcept {
    return slots::all_can_follow(table_->words(), segment_.generation(), slots::latest(segment_).frame);
}

bool WriterSegment::is_drained() const noexcept {
    return slots::held(table_->words(), segment_.generation()).floor > slots::latest(segment_).frame;
}

std::uint64_t WriterSegment::withdrawable_bytes() noexcept {
    const std::uint32_t closed = segment_.slot_count() - prepared_.load(std::memory_order_acquire);
    return segment_.slot_bytes() * (slots::count_withdrawable(segment_, table_->words()) + closed);
}

void WriterSegment::withdraw() noexcept {
    stop_.cancel();
    withdrawn_ = slots::withdraw(segment_, table_->words());
    if (table_->is_cut())
        withdrawn_ = {};  // a cut table does not tell which slots are held
}

void WriterSegment::free_withdrawn() noexcept {
    stop_preparing();
    to_be_freed_.store(withdrawn_.slots, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    for (std::uint32_t slot = 0; slot < segment_.slot_count(); ++slot) {
        const bool is_ready = slot < prepared_.load(std::memory_order_relaxed);
        const bool is_out = is_ready && slots::is_out(segment_, withdrawn_, slot);
        if ((withdrawn_.slots & std::uint32_t{1} << slot) != 0 && !is_out)
            segment_.free_slot(slot);
    }
}

}  // namespace detail

WritableFrame::WritableFrame(WritableFrame&& other) noexcept
    : segment_(std::move(other.segment_)),
      data_(std::exchange(other.data_, nullptr)),
      slot_(other.slot_),
      status_(std::exchange(other.status_, WriteStatus::NoSlot)),
      pinned_(other.pinned_),
      published_(other.published_) {}

WritableFrame& WritableFrame::operator=(WritableFrame&& other) noexcept {
    if (this != &other) {
        release();
        segment_ = std::move(other.segment_);
        data_ = std::exchange(other.data_, nullptr);
        slot_ = other.slot_;
        status_ = std::exchange(other.status_, WriteStatus::NoSlot);
        pinned_ = other.pinned_;
        published_ = other.published_;
    }
    return *this;
}

WritableFrame::~WritableFrame() {
    release();
}

const ArraySpec& WritableFrame::spec() const noexcept {
    return segment_->segment().spec();
}

void WritableFrame::release() noexcept {
    // A published slot belongs to the readers. Only a pool still holds it.
    if (data_ != nullptr && (pinned_ || !published_))
        segment_->give_back(*this);
    data_ = nullptr;
    pinned_ = false;
    published_ = false;
    segment_.reset();
    status_ = WriteStatus::NoSlot;
}

}  // namespace ndsharray
