// SPDX-License-Identifier: BSD-3-Clause
// The implementation of Writer: layouts, frames, and waiting for readers.
#include "writer/writer_implementation.hpp"

#include "testing/faults.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <new>
#include <utility>

namespace ndsharray {
namespace {

using namespace std::chrono_literals;
using layout::WriterState;

/// Time between two checks for dead readers while a writer waits for readers.
constexpr auto death_check = 100ms;

/// The same while it also waits for room, because nothing reports that memory becomes free.
constexpr auto room_check = 10ms;

/// A reader that is just taking a frame holds one slot more than it keeps. Even a writer that does not wait
/// for readers waits for so long before it drops a frame.
constexpr std::chrono::nanoseconds time_to_take_a_frame = 2ms;

// The highest number that is forwarded. Slots have room for 2^55. No writer counts as far as this by itself.
constexpr std::uint64_t most_forwarded = std::uint64_t{1} << 48;

}  // namespace

void Writer::Implementation::require_usable() const {
    if (inherited())
        throw Error(ErrorCode::Forked,
                    "the writer of tag \"" + files_.tag() +
                        "\" belongs to the parent process; open a Writer of your own after fork()");
    const Lock lock(mutex_);
    require_open();
}

/// Call it with the mutex held.
void Writer::Implementation::require_open() const {
    if (error_.code() != ErrorCode::None)
        throw error_;
    if (closed_)
        throw Error(ErrorCode::Closed,
                    "the writer of tag \"" + files_.tag() + "\" was closed; make a new one");
}

// ---- the layout of frames

/// With backpressure and without room for two segments, this waits until readers have had their frames of the
/// old one. Until then nothing changes: a caller that gives up goes on with the old layout.
WriteStatus Writer::Implementation::configure(const ArraySpec& spec, const Attributes& attributes,
                                              unsigned slots, Timeout timeout) {
    require_usable();
    if (slots != 0 && (slots < min_slots || slots > max_slots))
        throw Error(ErrorCode::InvalidArgument,
                    "a segment of " + std::to_string(slots) + " slots cannot be; it has 3 to 32");
    const platform::Deadline deadline = platform::deadline_after(timeout);
    Lock lock(mutex_);
    bool had_no_room = false;  // can_make() found room, but another process took it
    const auto may_try = [&] {
        return has_lost_files() || (had_no_room ? segments_.may_give_up_announced()
                                                : segments_.can_make(spec, attributes, slots));
    };
    for (;;) {
        const WriteStatus replaced = replace_lost_files(lock, deadline);
        require_open();
        if (replaced != WriteStatus::Ok)
            return replaced;
        if (segments_.is_configured_as(spec, attributes, slots))
            return WriteStatus::Ok;
        if (may_try()) {
            if (make_segment(spec, attributes, slots))
                return WriteStatus::Ok;
            had_no_room = true;
            continue;
        }
        const WriteStatus status = wait_for_readers(lock, deadline, room_check, may_try);
        if (status == WriteStatus::Timeout || status == WriteStatus::Cancelled)
            return status;
    }
}

/// \returns false if readers still need the old segment, and there is no room beside it.
bool Writer::Implementation::make_segment(const ArraySpec& spec, const Attributes& attributes,
                                          unsigned slots) {
    const std::shared_ptr<void> in_the_end(nullptr, [this](void*) { show_segment(); });
    segments_.drop_unannounced();
    if (v1_)
        v1_->configure(spec);
    try {
        segments_.make(spec, attributes, slots, table_);
        return true;
    } catch (const Error& error) {
        if (error.code() != ErrorCode::NoSpace || !announced())
            throw;
        return false;
    }
}

WriteStatus Writer::Implementation::reconfigure(const ArraySpec& spec, Timeout timeout) {
    require_usable();
    Attributes attributes;
    {
        const Lock lock(mutex_);
        if (current() && current()->segment().spec() == spec)
            return WriteStatus::Ok;
        if (current())
            attributes = current()->segment().attributes();
    }
    return configure(spec, attributes, 0, timeout);
}

// ---- frames

WritableFrame Writer::Implementation::acquire(Timeout timeout) {
    if (inherited())
        return WritableFrame(WriteStatus::Closed);
    Lock lock(mutex_);
    if (has_lost_files() || former_readers_.count != 0) {
        // Only here, so that no frame reads the clock for it. What is left of the time is for a slot.
        const platform::Deadline deadline = platform::deadline_after(timeout);
        const WriteStatus status = replace_lost_files(lock, deadline);
        if (status != WriteStatus::Ok)
            return WritableFrame(status);
        if (deadline)
            timeout = std::max(*deadline - std::chrono::steady_clock::now(), 0ns);
    }
    if (closed_ || !current())
        return WritableFrame(WriteStatus::Closed);
    const auto claim = [this] {
        WritableFrame claimed = current()->claim(rules_);
        note_missing_slots();
        return claimed;
    };
    WritableFrame frame = claim();
    if (!frame && table_->reclaim_dead() > 0 && current())
        frame = claim();
    if (frame)
        return frame;
    const platform::Deadline deadline =
        platform::deadline_after(options_.backpressure ? timeout : std::optional(time_to_take_a_frame));
    const WriteStatus status = wait_for_readers(lock, deadline, death_check, [&] {
        if (current())
            frame = claim();
        return !current() || frame;
    });
    if (status == WriteStatus::NoSlot) {
        const WriteStatus replaced = replace_lost_files(lock, deadline);
        if (replaced != WriteStatus::Ok)
            return WritableFrame(replaced);
        // The first slot of a new segment is free.
        return current() ? claim() : WritableFrame(WriteStatus::Closed);
    }
    if (status == WriteStatus::Timeout && !options_.backpressure) {
        frames_dropped_.fetch_add(1, std::memory_order_relaxed);
        return WritableFrame(WriteStatus::NoSlot);
    }
    if (status != WriteStatus::Ok)
        return WritableFrame(status);
    return frame ? std::move(frame) : WritableFrame(WriteStatus::Closed);
}

WritableFrame Writer::Implementation::acquire(const ArraySpec& spec, Timeout timeout) {
    const platform::Deadline deadline = platform::deadline_after(timeout);
    const WriteStatus status = reconfigure(spec, timeout);
    if (status != WriteStatus::Ok)
        return WritableFrame(status);
    return acquire(deadline ? Timeout(std::max(*deadline - std::chrono::steady_clock::now(), 0ns)) : timeout);
}

WritableFrame Writer::Implementation::acquire_pinned(Timeout timeout) {
    if (inherited())
        return WritableFrame(WriteStatus::Closed);
    Lock lock(mutex_);
    if (closed_ || !current())
        return WritableFrame(WriteStatus::Closed);
    // This never waits for leases and pins: their holder may need more frames before it releases them.
    const auto may_pin = [this] {
        return current() && !has_lost_files() && former_readers_.count == 0 && current()->may_pin(rules_);
    };
    if (!may_pin())
        return WritableFrame(WriteStatus::NoSlot);
    WritableFrame frame = current()->claim_pinned(rules_);
    note_missing_slots();
    if (frame || !options_.backpressure)
        return frame;
    const WriteStatus status = wait_for_readers(lock, platform::deadline_after(timeout), death_check, [&] {
        if (current())
            frame = current()->claim_pinned(rules_);
        return frame || !may_pin();
    });
    return status == WriteStatus::Ok ? std::move(frame) : WritableFrame(status);
}

/// Sets both for the frame that is published next. Call it with the mutex held.
void Writer::Implementation::set_number_and_time(FrameInfo& info) noexcept {
    const std::int64_t now = platform::monotonic_now();
    if (!options_.forwards || info.number <= published_ || info.number > most_forwarded)
        info.number = published_ + 1;
    if (!options_.forwards || info.published == no_time || info.published > now)
        info.published = now;
    published_ = info.number;
}

std::uint64_t Writer::Implementation::publish(WritableFrame& frame, FrameInfo info,
                                              std::span<const std::byte> metadata) {
    if (inherited() || !frame || frame.published_)
        return 0;
    const Segment& segment = frame.segment_->segment();
    platform::prefetch(segment.slot(frame.slot_));  // another processor may have these
    platform::prefetch(segment.latest());
    platform::prefetch(control_.words());
    Lock lock(mutex_);
    if (closed_ || frame.segment_ != current() || was_cut())
        return 0;
    if (segments_.is_to_be_announced() && announced() && options_.backpressure) {
        const WriteStatus status = wait_for_readers(lock, std::nullopt, death_check,
                                                    [this] { return segments_.may_retire_announced(); });
        if (status != WriteStatus::Ok || frame.segment_ != current())
            return 0;
    }
    NDSHARRAY_FAULT_POINT(FrameToBePublished);
    set_number_and_time(info);
    if (metadata.size() > current()->segment().metadata_capacity())
        metadata = {};
    // This comes before the frame is visible. If the writer dies in between, its successor skips the number.
    control_.words().published.store(info.number, std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(FrameNumberStored);
    const bool to_be_noticed = segments_.is_to_be_announced() || state() != WriterState::Live;
    if (state() != WriterState::Live) {
        // Before the frame is visible: a reader that has the frame must not find the end once more.
        control_.words().state.store(static_cast<std::uint32_t>(WriterState::Live),
                                     std::memory_order_release);
        NDSHARRAY_FAULT_POINT(LiveAgainStored);
    }
    current()->publish(frame, info, metadata);
    if (segments_.is_to_be_announced())
        segments_.announce_current();
    // Readers that are awake have the frame. The others wait for one more store: the number is on the cache
    // line of published_, and only this thread changes it.
    frames_published_.store(frames_published_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    control_.wake_readers();
    if (to_be_noticed)
        control_.notify_watchers();
    NDSHARRAY_FAULT_POINT(FramePublished);
    if (v1_)
        v1_->publish({frame.data_, current()->segment().spec()}, info.published);
    segments_.free_old();  // last, because the first frame of a new layout is published by now
    return info.number;
}

// ---- waiting

/// Waits until `ready()`, which is called with the mutex held.
/// \param look time between two checks for dead readers.
/// \returns NoSlot if a file was cut: then the readers are not known any more.
template <typename Ready>
WriteStatus Writer::Implementation::wait_for_readers(Lock& lock, const platform::Deadline& deadline,
                                                     std::chrono::nanoseconds look, Ready ready) {
    const auto ended = [&] { return closed_ || ready() || was_cut(); };
    const WriteStatus status = wait_.until(ended, lock, table_, deadline, look);
    if (closed_)
        return WriteStatus::Closed;
    return was_cut() ? WriteStatus::NoSlot : status;
}

/// With backpressure, attached readers get all frames in the old files before these are replaced, and then
/// time to attach to the new ones before there is a frame in them.
/// \returns Ok, Timeout, Cancelled or Closed; after Closed, error() may say why.
WriteStatus Writer::Implementation::replace_lost_files(Lock& lock, const platform::Deadline& deadline) {
    const auto has_given_up = [](WriteStatus status) {  // NoSlot: a file was cut
        return status != WriteStatus::Ok && status != WriteStatus::NoSlot;
    };
    for (;;) {
        if (closed_)
            return WriteStatus::Closed;
        if (has_lost_files()) {
            if (options_.backpressure && !was_cut()) {
                const WriteStatus status =
                    wait_for_readers(lock, deadline, death_check, [this] { return readers_took_all(); });
                if (has_given_up(status))
                    return status;
            }
            if (!start_anew(lock))
                return WriteStatus::Closed;
        }
        if (former_readers_.count == 0)
            return WriteStatus::Ok;
        const platform::Deadline until =
            deadline ? std::min(*deadline, former_readers_.until) : former_readers_.until;
        const WriteStatus status = wait_for_readers(lock, until, death_check, [this] {
            return slots::count_of_every_frame(table_->words()) >= former_readers_.count || has_lost_names();
        });
        if (has_given_up(status) &&
            (status != WriteStatus::Timeout || !platform::has_passed(former_readers_.until)))
            return status;
        if (!has_lost_files())
            former_readers_.count = 0;
    }
}

bool Writer::Implementation::readers_took_all() const noexcept {
    // This does not wait for frames of an earlier writer: its last frame may be gone, and then a cursor stays
    // there.
    return frames_published_.load(std::memory_order_relaxed) == 0 ||
           slots::all_have_taken(table_->words(), published_, announced() != nullptr);
}

WriteStatus Writer::Implementation::drain(Timeout timeout) {
    if (inherited())
        return WriteStatus::Closed;
    Lock lock(mutex_);
    const WriteStatus status = wait_for_readers(lock, platform::deadline_after(timeout), death_check,
                                                [this] { return readers_took_all(); });
    return status == WriteStatus::NoSlot ? WriteStatus::Ok : status;  // no reader is left to take it
}

WriteStatus Writer::Implementation::wait_for_reader(Timeout timeout) {
    if (inherited())
        return WriteStatus::Closed;
    Lock lock(mutex_);
    const platform::Deadline deadline = platform::deadline_after(timeout);
    for (;;) {
        // A reader that attaches wakes this futex, so regular checks are not needed.
        const WriteStatus status = wait_for_readers(
            lock, deadline, 0ns, [this] { return has_lost_names() || table_->count_live() > 0; });
        const bool to_start_anew =
            status == WriteStatus::NoSlot || (status == WriteStatus::Ok && has_lost_names());
        if (!to_start_anew)
            return status;
        const WriteStatus replaced = replace_lost_files(lock, deadline);
        if (replaced != WriteStatus::Ok)
            return replaced;
    }
}

void Writer::Implementation::end_of_stream() {
    if (inherited())
        return;
    const Lock lock(mutex_);
    if (!closed_)
        set_state(WriterState::Ended);
}

// ---- readers

void Writer::Implementation::on_reader_change(std::function<void(const ReaderChange&)> changed) {
    if (inherited())
        return;
    events_.on_reader_change(std::move(changed));
    readers_came_or_went();  // reports readers that are attached already
}

std::string Writer::Implementation::segment_name() const {
    if (inherited())
        return {};
    const Lock lock(shown_mutex_);
    return shown_.segment;
}

WriterStats Writer::Implementation::stats() const {
    if (inherited())
        return {};
    const std::shared_ptr<TableOwner> table = this->table();
    WriterStats stats;
    stats.published = frames_published_.load(std::memory_order_relaxed);
    stats.dropped = frames_dropped_.load(std::memory_order_relaxed);
    stats.reclaimed = table->reclaimed();
    stats.failed_callbacks = events_.failed();
    stats.readers = closed_ ? 0 : table->count_live();
    const Lock lock(shown_mutex_);
    stats.generation = shown_.generation;
    stats.slots = usable_slots_.load(std::memory_order_relaxed);
    stats.missing_slots = missing_slots();
    stats.segment = shown_.segment;
    return stats;
}

/// Call it with mutex_ held.
void Writer::Implementation::note_missing_slots() noexcept {
    const std::uint32_t usable = current() ? current()->usable_slots() : 0;
    const std::uint32_t wanted = current() ? segments_.wanted_slots() : 0;
    usable_slots_.store(usable, std::memory_order_relaxed);
    missing_slots_.store(wanted - std::min(wanted, usable), std::memory_order_relaxed);
}

/// Call it with mutex_ held, after a change of the current segment.
void Writer::Implementation::show_segment() noexcept {
    note_missing_slots();
    const detail::WriterSegment* const segment = current().get();
    const Lock lock(shown_mutex_);
    shown_.generation = segment != nullptr ? segment->segment().generation() : 0;
    try {
        shown_.segment = segment != nullptr ? segment->segment().name() : std::string();
    } catch (const std::bad_alloc&) {
        shown_.segment.clear();
    }
}

}  // namespace ndsharray
