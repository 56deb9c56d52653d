// SPDX-License-Identifier: BSD-3-Clause
// A slot in the writer's hands.
#include "writer_segment.hpp"

#include <utility>

namespace ndsharray {
namespace detail {

WritableFrame WriterSegment::claim(bool backpressure) noexcept {
    return frame_in(slots::claim(segment_, table_->words(), backpressure), false);
}

WritableFrame WriterSegment::claim_pinned(bool backpressure) noexcept {
    return frame_in(slots::claim_pinned(segment_, table_->words(), backpressure), true);
}

WritableFrame WriterSegment::frame_in(std::optional<std::uint32_t> slot, bool pinned) noexcept {
    if (!slot)
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
        return;  // the slot is the parent's
    if (frame.pinned_)
        slots::unpin(segment_, frame.slot_);
    else
        slots::put_back(segment_, frame.slot_);
    table_->notify_if_waiting();
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
    // A published slot is the readers'; only a pool's is held on to.
    if (data_ != nullptr && (pinned_ || !published_))
        segment_->give_back(*this);
    data_ = nullptr;
    pinned_ = false;
    published_ = false;
    segment_.reset();
    status_ = WriteStatus::NoSlot;
}

}  // namespace ndsharray
