// SPDX-License-Identifier: BSD-3-Clause
// The segments of a writer: the configured one, and the one that is announced to readers.
#include "writer/segments.hpp"

#include "protocol/memory_holders.hpp"
#include "testing/faults.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <thread>
#include <utility>

namespace ndsharray {
namespace {

using namespace std::chrono_literals;

/// Time that a writer without room for a new segment waits until readers release the old one.
constexpr auto time_to_let_go = 200ms;

}  // namespace

bool Segments::is_configured_as(const ArraySpec& spec, const Attributes& attributes, unsigned slots) const {
    return current_ && current_->segment().spec() == spec && current_->segment().attributes() == attributes &&
           (slots == 0 || slots == asked_slots_);
}

void Segments::make(const ArraySpec& spec, const Attributes& attributes, unsigned slots,
                    const std::shared_ptr<TableOwner>& table) {
    Segment segment = create(spec, attributes, slots);
    try {
        current_ = std::make_shared<detail::WriterSegment>(std::move(segment), table);
    } catch (const std::bad_alloc&) {  // thrown before anything was moved
        platform::unlink_file(segment.path());
        throw;
    }
    asked_slots_ = slots;
}

SegmentPlan Segments::plan_for(const ArraySpec& spec, const Attributes& attributes, unsigned slots) const {
    SegmentPlan plan{control_.instance(),        generation_,         spec, attributes, default_slots,
                     options_.metadata_capacity, options_.permissions};
    const unsigned wanted = slots != 0 ? slots : options_.slots;
    if (wanted != 0)
        plan.slots = wanted;
    return plan;
}

bool Segments::can_make(const ArraySpec& spec, const Attributes& attributes, unsigned slots) const {
    if (!options_.backpressure || !announced_)
        return true;
    SegmentPlan plan = plan_for(spec, attributes, slots);
    plan.slots = fewest(plan.slots);
    const std::uint64_t needed = Segment::bytes_for(files_, plan);
    const std::uint64_t free = platform::free_bytes(control_.file());
    const std::uint64_t gained = is_to_be_announced() && current_ ? current_->segment().ready_bytes() : 0;
    return needed <= free || needed - free <= gained || may_give_up_announced();
}

/// All wanted slots if they fit, because memory is taken only when it is needed. Otherwise as many as fit
/// into half of the room: the other half is left to other tags. The announced segment is retired, so its
/// memory counts as free.
unsigned Segments::slots_in_the_room(const ArraySpec& spec, unsigned wanted) const noexcept {
    const std::uint64_t free = platform::free_bytes(control_.file());
    const std::uint64_t own = announced_ ? announced_->segment().ready_bytes() : 0;
    const std::uint64_t slot = std::max(Segment::slot_bytes_for(spec), layout::data_alignment);  // absurd: 0
    const std::uint64_t half = free / 2 + own / 2;  // the sum could overflow
    if (half / slot >= (wanted + 1) / 2)            // one more than fits is refused when the file is made
        return wanted;
    return static_cast<unsigned>(std::clamp<std::uint64_t>(half / slot, min_slots, wanted));
}

/// If the number of slots is free, makes as many as there is room for.
Segment Segments::create(const ArraySpec& spec, const Attributes& attributes, unsigned slots) {
    if (++generation_ == 0)
        generation_ = 1;  // 0 means none
    SegmentPlan plan = plan_for(spec, attributes, slots);
    wanted_slots_ = plan.slots;
    const unsigned fewest = this->fewest(plan.slots);
    if (options_.slots == 0)
        plan.slots = slots_in_the_room(spec, plan.slots);
    platform::Deadline room_by;  // deadline for readers to release the old segment
    for (;;) {
        try {
            return Segment::create(files_, plan);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::NoSpace)
                throw;
            if (plan.slots > fewest) {
                --plan.slots;
            } else if (announced_ && may_give_up_announced()) {
                // The old segment takes the room. Its memory is freed, except frames that readers hold or may
                // still take.
                retire(std::exchange(announced_, nullptr));
                room_by = platform::deadline_after(time_to_let_go);
            } else if (room_by && !platform::has_passed(room_by)) {
                std::this_thread::sleep_for(1ms);
            } else {
                throw with_memory_holders(error, files_.directory());
            }
        }
    }
}

/// Removes a segment's file. Readers that have it mapped keep it while they hold frames of it.
void Segments::retire(Pointer segment) {
    if (!segment)
        return;
    segment->withdraw();
    if (control_.words().generation.load(std::memory_order_relaxed) == segment->segment().generation())
        control_.announce(0, {});
    NDSHARRAY_FAULT_POINT(SegmentWithdrawn);
    control_.wake_readers();
    control_.notify_watchers();
    NDSHARRAY_FAULT_POINT(WithdrawalTold);
    platform::unlink_file(segment->segment().path());
    NDSHARRAY_FAULT_POINT(WithdrawnSegmentRemoved);
    if (current_ == segment)
        current_.reset();
    segment->free_withdrawn();
}

void Segments::announce_current() {
    if (announced_)
        announced_->withdraw();
    control_.announce(current_->segment().generation(), current_->segment().id());
    if (announced_) {
        platform::unlink_file(announced_->segment().path());
        NDSHARRAY_FAULT_POINT(OldSegmentRemoved);
    }
    old_ = std::exchange(announced_, current_);
}

void Segments::free_old() noexcept {
    if (old_)
        std::exchange(old_, nullptr)->free_withdrawn();
}

void Segments::drop_unannounced() {
    if (is_to_be_announced())
        retire(std::exchange(current_, nullptr));
}

void Segments::retire_all() {
    if (is_to_be_announced())
        retire(current_);
    retire(std::exchange(announced_, nullptr));
    current_.reset();
}

}  // namespace ndsharray
