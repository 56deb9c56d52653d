// SPDX-License-Identifier: BSD-3-Clause
// A reader's attachment to one control file: its entry in the reader table, and the search for frames.
#include "reader/attachment.hpp"

#include "testing/faults.hpp"

#include <algorithm>
#include <atomic>

namespace ndsharray {

using layout::WriterState;

namespace {

/// How often a reader tries to get an entry of a table that was full. A reader that leaves unlocks its entry
/// a moment after it has freed it.
constexpr auto pause_of_joining = std::chrono::milliseconds(20);

}  // namespace

// ---- writers, and the entry in the reader table

void Attachment::pass_over_writer() noexcept {
    epoch_ = control_.words().epoch.load(std::memory_order_acquire);
    lose_writer();
}

void Attachment::lose_writer() noexcept {
    published_before_ = control_.words().published.load(std::memory_order_relaxed);
}

/// Whether the present writer has opened the tag for frames. It may have left since. A process that only
/// removes a dead writer's files goes from Starting to Closed.
bool Attachment::has_opened() const noexcept {
    switch (control_.state()) {
        case WriterState::Live:
        case WriterState::Ended:
        case WriterState::EndedAndClosed:
            return true;
        case WriterState::Closed:
            return control_.words().published.load(std::memory_order_relaxed) != published_before_;
        case WriterState::Starting:
            break;
    }
    return false;
}

bool Attachment::meet_writer() noexcept {
    const std::uint32_t epoch = control_.words().epoch.load(std::memory_order_acquire);
    if (epoch == epoch_ || !has_opened())
        return false;
    // A writer that takes over changes the state first and the epoch next. If the epoch is unchanged, the
    // state belonged to this writer. Otherwise another writer came meanwhile. It wakes the reader.
    if (control_.words().epoch.load(std::memory_order_relaxed) != epoch)
        return false;
    epoch_ = epoch;
    end_reported_ = false;
    first_of_writer_ = true;
    return true;
}

bool Attachment::was_taken_over() const noexcept {
    return control_.words().epoch.load(std::memory_order_acquire) != epoch_;
}

void Attachment::join() {
    const layout::ControlFile& control = control_.words();
    const std::uint64_t before = control.published.load(std::memory_order_acquire);
    if (before > layout::max_frame)
        throw Error(ErrorCode::Damaged, files_.control() + " is damaged: it tells of frame " +
                                            std::to_string(before) + "; restart the writer");
    std::shared_ptr<ReaderSession> session;
    try {
        session = ReaderSession::open(files_, control_.instance(), owner_);
        if (session && !session->join(options_, std::max<std::uint64_t>(before, 1)))
            std::swap(session, without_entry_);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::Damaged && !writer_stays())
            return;
        throw;
    }
    // The fence that announced the session has passed. From here on, a writer with backpressure keeps all
    // frames after `before`. Frames that were published during the join may be gone already, see settle().
    const std::uint64_t published = control.published.load(std::memory_order_acquire);
    const std::lock_guard guard(mutex_);
    if (session && suspended_)
        session->suspend(true);
    session_ = std::move(session);
    NDSHARRAY_FAULT_POINT(ReaderJoined);
    joined_ = true;
    wanted_ = std::max<std::uint64_t>(before, 1);
    missed_from_ = published + 1;
    settled_ = published == before;
}

/// The table was full when this reader attached, perhaps only with readers that were just being cleared. So
/// the reader loads one word for each frame. If an entry seems to be free, it tries to take it, now and then.
void Attachment::join_late() {
    if (!without_entry_->may_join())
        return;
    const auto now = std::chrono::steady_clock::now();
    if (now < join_again_)
        return;
    join_again_ = now + pause_of_joining;
    if (!without_entry_->join(options_, wanted_))
        return;
    const std::lock_guard guard(mutex_);
    session_ = std::move(without_entry_);
    if (suspended_)
        session_->suspend(true);
    if (source_)
        source_->join(session_);
}

bool Attachment::writer_stays() const noexcept {
    const WriterState state = control_.state();
    return layout::is_open(state) && !was_taken_over() && control_.writer_lives() &&
           control_.is_current(files_);
}

void Attachment::suspend(bool suspended) {
    const std::lock_guard guard(mutex_);
    suspended_ = suspended;
    if (session_)
        session_->suspend(suspended);
}

void Attachment::leave() noexcept {
    const std::lock_guard guard(mutex_);
    if (session_ && session_->is_own())
        session_->retire();
}

// ---- frames

void Attachment::prefetch() const noexcept {
    platform::prefetch_stack();
    platform::prefetch(control_.words());
    platform::prefetch(*this);
    if (!source_)
        return;
    platform::prefetch(*source_);
    platform::prefetch(source_->segment().latest());
    if (session_) {
        platform::prefetch(*session_);
        platform::prefetch(session_->table().active);
        platform::prefetch(session_->entry());
    }
}

Frame Attachment::next() {
    Frame frame = take();
    if (!frame)
        return frame;
    require_whole_files();
    advance_past(frame);  // the writer may wait for this
    count(frame);
    return frame;
}

Frame Attachment::take() {
    if (!joined_)
        return {};
    if (without_entry_)
        join_late();
    const ControlView::Announcement now = control_.announcement();
    // The end of the present writer is reported before its successor's segment is opened. A successor changes
    // the epoch before it announces a segment, so this check cannot miss it.
    const bool moved = now.generation != 0 && !was_taken_over() &&
                       (!source_ || source_->segment().generation() != now.generation);
    const bool stays = source_ && now.generation != 0 && !moved;
    return stays ? take_from_segment() : take_after_move(now, moved);
}

/// With mode Every, the frames of the old segment come first. They are complete: the writer left the old
/// segment before it announced the new one.
Frame Attachment::take_after_move(const ControlView::Announcement& announcement, bool moved) {
    if (source_ && (!moved || options_.mode == ReadMode::Every))
        if (Frame frame = take_from_segment())
            return frame;
    if (announcement.generation == 0)
        source_.reset();  // the writer needs the space, and all frames were taken
    if (!moved)
        return {};
    move_to(announcement);
    return source_ ? take_from_segment() : Frame();
}

void Attachment::move_to(const ControlView::Announcement& announcement) {
    auto segment =
        Segment::open(files_, announcement.segment, control_.instance(), announcement.generation, owner_);
    if (segment) {
        NDSHARRAY_FAULT_POINT(SegmentOpened);
        source_ = std::make_shared<detail::LeasedSegment>(std::move(*segment), session_);
        return;
    }
    // The segment is missing. Either the writer has moved on again, and `wake` tells so, or the file was
    // deleted.
    const auto now = control_.announcement();
    if (now.generation == announcement.generation && control_.writer_lives())
        throw Error(ErrorCode::Damaged, files_.segment(announcement.segment) +
                                            " is missing although its writer lives; restart the writer");
}

/// Starts with the oldest frame after which no frame is missing. A writer that waited for this reader still
/// has all frames. A writer that was running may have overwritten some before it saw the reader.
void Attachment::settle() {
    settled_ = true;
    const Segment& segment = source_->segment();
    std::uint64_t start = std::max<std::uint64_t>(missed_from_ - 1, 1);
    const std::uint64_t oldest = start - std::min<std::uint64_t>(start, segment.slot_count());
    while (start > std::max(wanted_, oldest) && slots::find_from(segment, start - 1, start - 1))
        --start;
    wanted_ = start;
}

/// The place of the next frame, or nothing if there is none. A place of frame 0 means to look again.
std::optional<slots::Place> Attachment::next_place() const noexcept {
    const Segment& segment = source_->segment();
    const slots::Place newest = slots::latest(segment);
    if (newest.frame < wanted_)
        return std::nullopt;
    if (options_.mode == ReadMode::Latest)
        return newest;
    return slots::find_from(segment, wanted_, newest.frame).value_or(slots::Place{});
}

Frame Attachment::take_from_segment() {
    // A fast writer may overwrite the frame that was found; then there is a newer one. In a damaged file the
    // search may never succeed. Then the reader waits as for any frame.
    constexpr int tries = 1000;
    if (!settled_)
        settle();
    for (int i = 0; i < tries; ++i) {
        const auto place = next_place();
        if (!place)
            break;
        if (place->frame == 0)
            continue;
        Frame frame =
            source_->take(*place, options_.max_leases, {missed_before(place->frame), first_of_writer_});
        if (let_go_of_holes())
            break;
        if (frame)
            return frame;
    }
    return {};
}

bool Attachment::is_announced(const Segment& segment) const noexcept {
    return control_.announcement().generation == segment.generation();
}

/// A writer punches holes into a segment that it has left. A read of a hole allocates memory. If there is
/// none, the read fails like a read past the end of a cut file. This is not damage: the writer announced
/// another segment before it made the hole.
/// \returns whether the segment was given up.
bool Attachment::let_go_of_holes() noexcept {
    if (!source_->was_cut() || is_announced(source_->segment()))
        return false;
    source_.reset();
    return true;
}

void Attachment::require_whole_files() const {
    if (control_.was_cut())
        throw_cut(files_.control());
    if (source_ && source_->segment().was_cut())
        throw_cut(files_.segment(source_->segment().id()));
    if (session_ && session_->was_cut())
        throw_cut(files_.readers());
}

void Attachment::look_for_cuts() {
    NDSHARRAY_FAULT_POINT(FramesSought);
    if (source_ && is_announced(source_->segment()) && source_->segment().is_cut())
        let_go_of_holes();
    if (session_)
        static_cast<void>(session_->is_cut());
    if (source_)
        source_->free_unused_blocks();
    require_whole_files();
}

std::uint64_t Attachment::missed_before(std::uint64_t frame) const noexcept {
    const std::uint64_t expected = std::max(wanted_, missed_from_);
    return frame > expected ? frame - expected : 0;
}

/// Expects the frames after this one.
void Attachment::advance_past(const Frame& frame) noexcept {
    end_reported_ = false;
    first_of_writer_ = false;
    wanted_ = frame.number() + 1;
    if (!session_)
        return;
    // Release: the lease of this frame is visible before the cursor lets the writer reuse older frames.
    session_->entry().cursor.store(wanted_, std::memory_order_release);
    NDSHARRAY_FAULT_POINT(CursorMoved);
    if (options_.mode == ReadMode::Every)
        session_->notify_released();
}

/// Counts for this process, and for others that look at the reader table.
void Attachment::count(const Frame& frame) noexcept {
    counts_.add(frame);
    if (!session_)
        return;
    // Relaxed: each is only for display.
    layout::ReaderEntry& entry = session_->entry();
    entry.frames.store(counts_.frames.load(std::memory_order_relaxed), std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(FramesCounted);
    entry.missed.store(counts_.missed.load(std::memory_order_relaxed), std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(MissedCounted);
    entry.copied.store(counts_.copied.load(std::memory_order_relaxed), std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(CopiesCounted);
    // age() reads the clock without a system call.
    entry.latency.store(static_cast<std::uint64_t>(frame.age().count()), std::memory_order_relaxed);
}

/// Only the thread that reads stores, so no addition needs to be atomic.
void DeliveryCounts::add(const Frame& frame) noexcept {
    const auto add_to = [](std::atomic<std::uint64_t>& sum, std::uint64_t number) {
        sum.store(sum.load(std::memory_order_relaxed) + number, std::memory_order_relaxed);
    };
    add_to(frames, 1);
    add_to(missed, frame.missed());
    add_to(copied, frame.is_copy() ? 1 : 0);
}

}  // namespace ndsharray
