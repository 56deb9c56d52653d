// SPDX-License-Identifier: BSD-3-Clause
// A frame in a reader's hands, and the memory of those that are copies.
#include <ndsharray/frame.hpp>

#include "frame/frame_owner.hpp"
#include "platform/platform.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <new>
#include <utility>

namespace ndsharray {
namespace detail {
namespace {

constexpr std::size_t page = 4096;

/// For so long a block that no copy is in is kept.
constexpr auto unused_for = std::chrono::seconds(1);

}  // namespace

FrameOwner::Block FrameOwner::take_block(std::uint64_t bytes) {
    {
        const std::lock_guard guard(mutex_);
        if (spare_count_ > 0)
            return std::move(spares_[--spare_count_].block);  // the one whose pages were used last
    }
    void* memory = std::aligned_alloc(page, static_cast<std::size_t>(bytes / page * page + page));
    if (memory == nullptr)
        throw std::bad_alloc();
    return Block(static_cast<std::byte*>(memory));
}

void FrameOwner::keep_block(Block block) noexcept {
    const auto now = std::chrono::steady_clock::now();
    {
        const std::lock_guard guard(mutex_);
        if (spare_count_ < most_spares)
            spares_[spare_count_++] = {std::move(block), now};
    }
    static_cast<void>(take_unused(now - unused_for));
}

void FrameOwner::free_unused_blocks() noexcept {
    const auto now = std::chrono::steady_clock::now();
    while (take_unused(now - unused_for)) {
    }
}

/// One that is a spare since before this, to be freed without the mutex; nothing if there is none.
FrameOwner::Block FrameOwner::take_unused(std::chrono::steady_clock::time_point before) noexcept {
    const std::lock_guard guard(mutex_);
    if (spare_count_ == 0 || spares_.front().since >= before)
        return nullptr;
    Block oldest = std::move(spares_.front().block);
    std::move(spares_.begin() + 1, spares_.end(), spares_.begin());
    --spare_count_;
    return oldest;
}

Frame FrameOwner::copied_frame(Block block, const FrameInfo& info, const Arrival& arrival,
                               std::size_t metadata_bytes) {
    const std::byte* data = block.release();
    return frame_of({.owner = shared_from_this(),
                     .data = data,
                     .metadata = {data + spec().bytes, metadata_bytes},
                     .info = info,
                     .arrival = arrival,
                     .slot = 0,
                     .generation = generation(),
                     .copied = true});
}

void FrameOwner::give_back(const Frame& frame) noexcept {
    if (made_under_ != fork_count()) {
        // The lease is the parent's. The memory of a copy is the child's own, but a thread of the parent may
        // have held the mutex when it forked.
        if (frame.copied_)
            Free()(const_cast<std::byte*>(frame.data_));
        return;
    }
    if (frame.copied_)
        keep_block(Block(const_cast<std::byte*>(frame.data_)));
    else
        end_lease(frame.slot_);
}

}  // namespace detail

Frame::Frame(detail::FrameParts&& parts) noexcept
    : source_(std::move(parts.owner)),
      data_(parts.data),
      metadata_(parts.metadata.data()),
      metadata_bytes_(parts.metadata.size()),
      info_(parts.info),
      missed_(parts.arrival.missed),
      slot_(parts.slot),
      generation_(parts.generation),
      status_(ReadStatus::Frame),
      copied_(parts.copied),
      first_of_writer_(parts.arrival.first_of_writer) {}

Frame::Frame(Frame&& other) noexcept
    : source_(std::move(other.source_)),
      data_(std::exchange(other.data_, nullptr)),
      metadata_(other.metadata_),
      metadata_bytes_(std::exchange(other.metadata_bytes_, 0)),
      info_(other.info_),
      missed_(other.missed_),
      slot_(other.slot_),
      generation_(other.generation_),
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
        generation_ = other.generation_;
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
    return source_->spec();
}

std::chrono::nanoseconds Frame::age() const noexcept {
    // The file may say any time: what lies further back than numbers reach is as old as they tell, and what
    // is still to come, by the clock of another time namespace perhaps, is new.
    std::int64_t age = 0;
    if (__builtin_sub_overflow(platform::monotonic_now(), info_.published, &age))
        age = std::numeric_limits<std::int64_t>::max();
    return std::chrono::nanoseconds(std::max<std::int64_t>(age, 0));
}

const Attributes& Frame::attributes() const noexcept {
    return source_->attributes();
}
std::string Frame::segment_name() const {
    return source_->name();
}

}  // namespace ndsharray
