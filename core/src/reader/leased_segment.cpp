// SPDX-License-Identifier: BSD-3-Clause
// A segment of a reader: it gives frames under a lease if possible, and copies otherwise.
#include "reader/leased_segment.hpp"

#include "testing/faults.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace ndsharray::detail {
namespace {

std::size_t metadata_bytes(const Segment& segment, std::uint32_t slot) noexcept {
    // Read once: the value that was checked is the value that is used, even if the file changes meanwhile.
    const std::uint64_t said =
        *static_cast<const volatile std::uint64_t*>(&segment.slot(slot).metadata_bytes);
    return static_cast<std::size_t>(std::min(said, segment.metadata_capacity()));
}

/// Releases a lease that was taken only for a copy.
struct LeaseAtEnd {
    const ReaderSession& session;
    const Segment& segment;
    std::uint32_t slot;

    ~LeaseAtEnd() {
        slots::release(session.entry(), segment.generation(), slot);
        session.notify_released();
    }
};

}  // namespace

LeasedSegment::LeasedSegment(Segment segment, std::shared_ptr<ReaderSession> session)
    : segment_(std::move(segment)), session_(std::move(session)) {
    if (session_)
        slots::enter_generation(session_->entry(), segment_.generation());
}

void LeasedSegment::join(std::shared_ptr<ReaderSession> session) noexcept {
    session_ = std::move(session);
    slots::enter_generation(session_->entry(), segment_.generation());
}

Frame LeasedSegment::take(slots::Place place, unsigned max_leases, const Arrival& arrival) {
    platform::prefetch(segment_.slot(place.slot));
    if (!session_)
        return take_without_lease(place, arrival);
    if (!slots::lease(segment_, session_->entry(), place)) {
        session_->notify_released();  // the lease existed for a moment, and may have stopped the writer
        return {};
    }
    if (segment_.look_at_slot(place.slot) && may_hold(max_leases))
        return leased(place, arrival);
    // The lease ends after the copy, even if there is no memory for the copy. Otherwise it would never end.
    const LeaseAtEnd lease{*session_, segment_, place.slot};
    if (!segment_.look_at_slot(place.slot))
        throw_no_memory(place);
    return copied(place, arrival);
}

Frame LeasedSegment::take_without_lease(slots::Place place, const Arrival& arrival) {
    if (!slots::is_complete(segment_, place))
        return {};
    if (!segment_.look_at_slot(place.slot)) {
        // A writer frees slots of a segment that it leaves, after it has claimed them.
        if (!slots::is_unchanged(segment_, place))
            return {};
        throw_no_memory(place);
    }
    Frame frame = copied(place, arrival);
    return slots::is_unchanged(segment_, place) ? std::move(frame) : Frame();
}

/// Whether a lease may be kept: the reader's quota allows it, and the writer keeps enough slots. So a reader
/// that holds frames for long makes copies and does not make other readers miss frames.
bool LeasedSegment::may_hold(unsigned max_leases) const noexcept {
    return session_->held_frames() < max_leases && slots::may_stay_leased(segment_, session_->table());
}

FrameInfo LeasedSegment::info_at(slots::Place place) const noexcept {
    FrameInfo info = segment_.slot(place.slot).info;
    info.number = place.frame;
    return info;
}

Frame LeasedSegment::leased(slots::Place place, const Arrival& arrival) {
    session_->hold_frame();
    return frame_of({.owner = shared_from_this(),
                     .data = segment_.data(place.slot),
                     .metadata = {segment_.metadata(place.slot), metadata_bytes(segment_, place.slot)},
                     .info = info_at(place),
                     .arrival = arrival,
                     .slot = place.slot,
                     .generation = segment_.generation(),
                     .copied = false});
}

/// No writer of this format publishes a frame in such a slot. A touch would take memory.
void LeasedSegment::throw_no_memory(slots::Place place) const {
    throw Error(ErrorCode::Damaged, segment_.path() + " is damaged: the slot of frame " +
                                        std::to_string(place.frame) + " has no memory; restart the writer");
}

Frame LeasedSegment::copied(slots::Place place, const Arrival& arrival) {
    const auto bytes = static_cast<std::size_t>(segment_.spec().bytes);
    Block block = take_block(segment_.spec().bytes + segment_.metadata_capacity());
    const FrameInfo info = info_at(place);
    const std::size_t metadata = metadata_bytes(segment_, place.slot);
    NDSHARRAY_FAULT_POINT(CopyStarted);
    std::memcpy(block.get(), segment_.data(place.slot), bytes);
    std::memcpy(block.get() + bytes, segment_.metadata(place.slot), metadata);
    NDSHARRAY_FAULT_POINT(CopyMade);
    return copied_frame(std::move(block), info, arrival, metadata);
}

void LeasedSegment::end_lease(std::uint32_t slot) noexcept {
    if (!session_->is_own())
        return;
    slots::release(session_->entry(), segment_.generation(), slot);
    session_->release_frame();
}

}  // namespace ndsharray::detail
