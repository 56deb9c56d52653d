// SPDX-License-Identifier: BSD-3-Clause
// The public class WritableFrame: a slot that the writer has claimed.
#include "writer/writer_segment.hpp"

#include <ndsharray/writer.hpp>

#include <utility>

namespace ndsharray {

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
