// SPDX-License-Identifier: BSD-3-Clause
// A frame in a reader's hands, and the segment it comes from.
#include <ndsharray/frame.hpp>

#include "frame_source.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace ndsharray {
namespace detail {
namespace {

/// Blocks kept for the next copies.
constexpr std::size_t kept_blocks = 8;

constexpr std::size_t page = 4096;

std::size_t metadata_bytes(const Segment& segment, std::uint32_t slot) noexcept {
    return static_cast<std::size_t>(
        std::min<std::uint64_t>(segment.slot(slot).metadata_bytes, segment.metadata_capacity()));
}

}  // namespace

FrameSource::FrameSource(Segment segment, std::shared_ptr<ReaderSession> session)
    : segment_(std::move(segment)), session_(std::move(session)) {
    blocks_.reserve(kept_blocks);
    if (session_)
        slots::enter_generation(session_->entry(), segment_.generation());
}

std::optional<Frame> FrameSource::take(slots::Place place, unsigned max_leases) {
    if (!session_) {
        if (!slots::is_complete(segment_, place))
            return std::nullopt;
        auto frame = copied(place);
        return slots::is_unchanged(segment_, place) ? std::move(frame) : std::nullopt;
    }
    if (!slots::lease(segment_, session_->entry(), place)) {
        session_->notify_released();  // for a moment we held a slot
        return std::nullopt;
    }
    if (may_hold(max_leases))
        return leased(place);
    auto frame = copied(place);
    slots::release(session_->entry(), segment_.generation(), place.slot);
    session_->notify_released();
    return frame;
}

/// Whether a lease may be kept: the reader's quota allows it, and the writer is left with enough. So readers
/// that hold frames for long make copies, not other readers' gaps.
bool FrameSource::may_hold(unsigned max_leases) const noexcept {
    return session_->held_frames() < max_leases && slots::may_stay_leased(segment_, session_->table());
}

Frame FrameSource::leased(slots::Place place) {
    segment_.look_at_slot(place.slot);
    Frame frame(ReadStatus::Frame);
    frame.source_ = shared_from_this();
    frame.slot_ = place.slot;
    frame.data_ = segment_.data(place.slot);
    frame.info_ = segment_.slot(place.slot).info;
    frame.info_.number = place.frame;
    frame.metadata_ = segment_.metadata(place.slot);
    frame.metadata_bytes_ = metadata_bytes(segment_, place.slot);
    session_->hold_frame();
    return frame;
}

std::optional<Frame> FrameSource::copied(slots::Place place) {
    segment_.look_at_slot(place.slot);
    Block block = take_block();
    const std::size_t bytes = static_cast<std::size_t>(segment_.spec().bytes);
    Frame frame(ReadStatus::Frame);
    frame.source_ = shared_from_this();
    frame.copied_ = true;
    frame.info_ = segment_.slot(place.slot).info;
    frame.info_.number = place.frame;
    frame.metadata_bytes_ = metadata_bytes(segment_, place.slot);
    std::memcpy(block.get(), segment_.data(place.slot), bytes);
    std::memcpy(block.get() + bytes, segment_.metadata(place.slot), frame.metadata_bytes_);
    frame.metadata_ = block.get() + bytes;
    frame.data_ = block.release();
    return frame;
}

FrameSource::Block FrameSource::take_block() {
    {
        const std::lock_guard guard(mutex_);
        if (!blocks_.empty()) {
            Block block = std::move(blocks_.back());
            blocks_.pop_back();
            return block;
        }
    }
    const std::uint64_t bytes = segment_.spec().bytes + segment_.metadata_capacity() + 1;
    void* memory = std::aligned_alloc(page, static_cast<std::size_t>((bytes + page - 1) / page * page));
    if (memory == nullptr)
        throw std::bad_alloc();
    return Block(static_cast<std::byte*>(memory));
}

void FrameSource::give_back(const Frame& frame) noexcept {
    if (frame.copied_) {
        Block block(const_cast<std::byte*>(frame.data_));
        const std::lock_guard guard(mutex_);
        if (blocks_.size() < kept_blocks)
            blocks_.push_back(std::move(block));
    } else if (session_->is_own()) {
        slots::release(session_->entry(), segment_.generation(), frame.slot_);
        session_->release_frame();
    }
}

}  // namespace detail

Frame::Frame(Frame&& other) noexcept
    : source_(std::move(other.source_)),
      data_(std::exchange(other.data_, nullptr)),
      metadata_(other.metadata_),
      metadata_bytes_(std::exchange(other.metadata_bytes_, 0)),
      info_(other.info_),
      missed_(other.missed_),
      slot_(other.slot_),
      status_(std::exchange(other.status_, ReadStatus::Timeout)),
      copied_(other.copied_),
      first_of_writer_(other.first_of_writer_) {}

Frame& Frame::operator=(Frame&& other) noexcept {
    if (this != &other) {
        release();
        source_ = std::move(other.source_);
        data_ = std::exchange(other.data_, nullptr);
        metadata_ = other.metadata_;
        metadata_bytes_ = std::exchange(other.metadata_bytes_, 0);
        info_ = other.info_;
        missed_ = other.missed_;
        slot_ = other.slot_;
        status_ = std::exchange(other.status_, ReadStatus::Timeout);
        copied_ = other.copied_;
        first_of_writer_ = other.first_of_writer_;
    }
    return *this;
}

Frame::~Frame() {
    release();
}

void Frame::release() noexcept {
    if (data_ != nullptr)
        source_->give_back(*this);
    data_ = nullptr;
    metadata_bytes_ = 0;
    source_.reset();
    status_ = ReadStatus::Timeout;
}

const ArraySpec& Frame::spec() const noexcept {
    return source_->segment().spec();
}

std::chrono::nanoseconds Frame::age() const noexcept {
    return std::chrono::nanoseconds(platform::monotonic_now() - info_.published);
}

const Attributes& Frame::attributes() const noexcept {
    return source_->segment().attributes();
}
std::uint32_t Frame::generation() const noexcept {
    return source_->segment().generation();
}
std::string Frame::segment_name() const {
    return source_->segment().name();
}

}  // namespace ndsharray
