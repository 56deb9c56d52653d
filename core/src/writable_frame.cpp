// SPDX-License-Identifier: BSD-3-Clause
// A slot in the writer's hands.
#include "writer_segment.hpp"

#include <utility>

namespace ndsharray {
namespace detail {

WritableFrame WriterSegment::claim(bool backpressure) noexcept {
    const auto slot = slots::claim(segment_, table_->words(), backpressure);
    if (!slot)
        return WritableFrame(WriteStatus::NoSlot);
    WritableFrame frame(WriteStatus::Ok);
    frame.segment_ = shared_from_this();
    frame.slot_ = *slot;
    frame.data_ = segment_.data(*slot);
    return frame;
}

void WriterSegment::put_back(std::uint32_t slot) const noexcept {
    if (made_under_ != fork_count())
        return;  // the slot is the parent's
    slots::put_back(segment_, slot);
    table_->notify_if_waiting();
}

}  // namespace detail

WritableFrame::WritableFrame(WritableFrame&& other) noexcept
    : segment_(std::move(other.segment_)),
      data_(std::exchange(other.data_, nullptr)),
      slot_(other.slot_),
      status_(std::exchange(other.status_, WriteStatus::NoSlot)) {}

WritableFrame& WritableFrame::operator=(WritableFrame&& other) noexcept {
    if (this != &other) {
        release();
        segment_ = std::move(other.segment_);
        data_ = std::exchange(other.data_, nullptr);
        slot_ = other.slot_;
        status_ = std::exchange(other.status_, WriteStatus::NoSlot);
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
    if (data_ != nullptr)
        segment_->put_back(slot_);
    data_ = nullptr;
    segment_.reset();
    status_ = WriteStatus::NoSlot;
}

}  // namespace ndsharray
