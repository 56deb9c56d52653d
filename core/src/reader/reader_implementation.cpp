// SPDX-License-Identifier: BSD-3-Clause
// The implementation of Reader: waiting for frames, and following the writers of a tag.
#include "reader/reader_implementation.hpp"

#include "process/only_errors.hpp"
#include "testing/faults.hpp"

#include <ndsharray/tag.hpp>

#include <exception>
#include <new>
#include <utility>

namespace ndsharray {
namespace {

using namespace std::chrono_literals;
using layout::WriterState;

/// Time between two looks if there is no watch on the files.
constexpr auto unwatched_look = 50ms;

ReaderOptions checked(ReaderOptions options) {
    if (options.max_leases > max_slots)
        throw Error(ErrorCode::InvalidArgument,
                    "max_leases is " + std::to_string(options.max_leases) + "; it is 0 to 32 frames");
    if (options.writable)
        options.max_leases = 0;  // a copy of a frame is faster than pages that are copied on write
    return options;
}

Owner owner_of(const ReaderOptions& options) {
    return options.owner.empty() ? Owner::self_or_root() : Owner::named(options.owner);
}

}  // namespace

Reader::Implementation::Implementation(const std::string& tag, ReaderOptions options)
    : options_(checked(std::move(options))), owner_(owner_of(options_)), files_(tag), v1_(files_, owner_) {
    constexpr std::size_t id = 33;  // a dot and 32 digits
    stats_.segment.reserve(files_.control_name().size() + id);
    static_cast<void>(FileWatcher::start());  // without inotify, wait_for_frame() looks at intervals
    watch_directory();
}

// ---- waiting

Frame Reader::Implementation::read(Timeout timeout) noexcept {
    if (inherited())
        return Frame(ReadStatus::Failed);  // error() says why
    try {
        return only_errors([&] { return wait_for_frame(platform::deadline_after(timeout)); });
    } catch (const Error& error) {
        // If there was no memory for a copy, the reader stays attached: there may be memory for a later
        // frame.
        if (error.code() != ErrorCode::OutOfMemory)
            leave();
        return fail(error);
    }
}

Frame Reader::Implementation::fail(const Error& error) noexcept {
    const std::lock_guard guard(mutex_);
    error_ = error;  // a copy of an Error shares its sentence and allocates nothing
    return Frame(ReadStatus::Failed);
}

Frame Reader::Implementation::wait_for_frame(const platform::Deadline& deadline) {
    for (;;) {
        // Both words are read before the look at the files. So a change after the look ends the wait at once.
        const platform::Watched interrupted = interrupt_.now();
        if (interrupt_.cancelled())
            return Frame(ReadStatus::Cancelled);
        if (!attachment_)
            attach();
        else if (!attached())
            follow_replacement();
        platform::Watched woken{};
        if (attachment_) {
            const auto& word = attachment_->control().words().wake;
            woken = {&word, word.load(std::memory_order_acquire)};
            Frame frame = look();
            if (frame)
                return frame;
            if (attachment_)
                attachment_->look_for_cuts();
            if (frame.status() != ReadStatus::Timeout)
                return frame;
        }
        if (!attached())
            if (Frame frame = next_of_v1())
                return frame;
        const bool was_watched = is_watched();
        if (!was_watched) {  // the next look, in this call or the next, checks everything
            check_path_.store(true, std::memory_order_relaxed);
            check_death_.store(true, std::memory_order_relaxed);
            watch_directory();
        }
        if (platform::has_passed(deadline))
            return Frame(ReadStatus::Timeout);
        platform::Deadline limit = was_watched ? deadline : platform::no_later_than(deadline, unwatched_look);
        if (!attached())
            limit = v1_.next_look(limit);
        if (attachment_) {
            platform::wait_either(woken, interrupted, limit);
            attachment_->prefetch();
        } else {
            platform::wait_private(interrupted, limit);
        }
    }
}

void Reader::Implementation::suspend(bool suspended) noexcept {
    if (inherited())
        return;
    const std::lock_guard guard(mutex_);
    suspended_ = suspended;
    if (attachment_)
        attachment_->suspend(suspended);
}

// ---- writers that come and go

void Reader::Implementation::watch_directory() {
    if (!directory_watch_)
        directory_watch_ = FileWatcher::file_named(files_.control_name(), files_.directory(), [this] {
            check_path_.store(true, std::memory_order_relaxed);
            interrupt_.notify();
        });
    if (!v1_watch_)
        v1_watch_ =
            FileWatcher::file_named(files_.tag(), files_.directory(), [this] { interrupt_.notify(); });
}

void Reader::Implementation::attach() {
    auto control = ControlView::open(files_, owner_);
    if (!control)
        return;
    const std::lock_guard guard(mutex_);
    attachment_ =
        std::make_unique<Attachment>(files_, owner_, options_, counts_, std::move(*control), suspended_);
    shown_generation_ = 0;
    // The watch starts before the look at the writer, so that a death in between is not missed.
    attachment_->watch_death([this] {
        check_death_.store(true, std::memory_order_relaxed);
        interrupt_.notify();
    });
    NDSHARRAY_FAULT_POINT(ControlOpened);
    attachment_->pass_over_writer();
    if (attachment_->control().writer_lives()) {
        attachment_->await_writer();
        if (attachment_->meet_writer())
            meet_writer();
    }
    if (!attached())
        v1_.ignore_until_now();
}

void Reader::Implementation::meet_writer() {
    const std::uint32_t options = attachment_->control().words().options.load(std::memory_order_relaxed);
    backpressure_.store((options & layout::option_backpressure) != 0, std::memory_order_relaxed);
    writer_lives_.store(true, std::memory_order_relaxed);
    reads_v1_ = false;
    if (std::exchange(met_writer_, true))
        ++stats_.reconnects;
}

/// Frames that a writer of this library also wrote for 1.x must not be read a second time.
void Reader::Implementation::lose_writer() noexcept {
    if (!writer_lives_.exchange(false, std::memory_order_relaxed))
        return;
    attachment_->lose_writer();
    v1_.ignore_until_now();
}

void Reader::Implementation::leave() noexcept {
    lose_writer();
    std::unique_ptr<Attachment> left;  // destroyed after the mutex is released
    const std::lock_guard guard(mutex_);
    if (attachment_)
        attachment_->leave();
    std::swap(left, attachment_);
}

/// Attaches again if the writer closed the file (its memory is then freed), or if another writer put a new
/// file in its place.
void Reader::Implementation::follow_replacement() {
    const bool is_over = layout::is_closed(attachment_->control().state()) && !attachment_->has_new_writer();
    const bool is_replaced =
        check_path_.exchange(false, std::memory_order_relaxed) && !attachment_->control().is_current(files_);
    if (!is_over && !is_replaced)
        return;
    leave();
    attach();
}

/// Follows a writer that took the file over from a dead one.
void Reader::Implementation::follow_takeover() {
    const std::lock_guard guard(mutex_);
    if (!attachment_->meet_writer())
        return;
    check_death_.store(true, std::memory_order_relaxed);  // it may be dead already
    meet_writer();
}

// ---- frames

/// \returns a frame, or Timeout if there is none now, or the status to report. Detaches only if the status is
/// Disconnected.
Frame Reader::Implementation::look() {
    if (!attached() && attachment_->has_new_writer())
        follow_takeover();
    if (!attached())
        return Frame(ReadStatus::Timeout);
    // The state is read before the frames. If it says that the stream has ended, all frames before the end
    // are present.
    const WriterState state = attachment_->control().state();
    if (!attachment_->has_joined() && layout::is_open(state))
        attachment_->join();
    if (Frame frame = next())
        return frame;
    return look_for_end(state);
}

Frame Reader::Implementation::look_for_end(WriterState state) {
    // If the state changed, look again. A state that never stops changing is damaged.
    constexpr int most_looks = 8;
    for (int look = 0; look < most_looks; ++look) {
        if (auto frame = look_for_end_in(state))
            return std::move(*frame);
        state = attachment_->control().state();
    }
    lose_writer();
    return Frame(ReadStatus::Disconnected);
}

/// Called after an inotify event. The file is shorter than a page, so the bytes past a cut read as zeros.
/// \throws Error Damaged.
void Reader::Implementation::look_for_cut_control() const {
    if (attachment_->control().is_cut())
        throw_cut(files_.control());
}

/// \returns nothing if the state has changed meanwhile.
std::optional<Frame> Reader::Implementation::look_for_end_in(WriterState state) {
    if (attachment_->was_taken_over()) {  // the writer died, and another took over before this look
        look_for_cut_control();
        lose_writer();
        return Frame(ReadStatus::Disconnected);
    }
    const bool ended = state == WriterState::Ended || state == WriterState::EndedAndClosed;
    if (ended && attachment_->report_end())
        return Frame(ReadStatus::EndOfStream);
    if (layout::is_closed(state)) {
        leave();
        return Frame(ReadStatus::Disconnected);
    }
    if (!check_death_.exchange(false, std::memory_order_relaxed))
        return Frame(ReadStatus::Timeout);
    look_for_cut_control();
    if (attachment_->control().writer_lives())
        return Frame(ReadStatus::Timeout);
    if (Frame frame = next()) {  // published just before the death
        check_death_.store(true, std::memory_order_relaxed);
        return frame;
    }
    if (attachment_->control().state() != state) {  // the stream ended, or the writer left, just before
        check_death_.store(true, std::memory_order_relaxed);
        return std::nullopt;
    }
    lose_writer();
    return Frame(ReadStatus::Disconnected);
}

Frame Reader::Implementation::next() {
    Frame frame = attachment_->next();
    const detail::LeasedSegment* source = attachment_->source();
    if (source != nullptr && source->generation() != shown_generation_) {
        show(source->name(), source->generation());
        shown_generation_ = source->generation();
    }
    return frame;
}

/// Allocates nothing: the constructor made room for every name. So no frame is lost if there is no memory.
void Reader::Implementation::show(const std::string& segment, std::uint32_t generation) noexcept {
    const std::lock_guard guard(mutex_);
    stats_.generation = generation;
    stats_.segment = segment;
}

// ---- tags that only 1.x writes

/// A frame of 1.x. Its files say neither which frames there were before nor whether the writer lives.
Frame Reader::Implementation::next_of_v1() {
    Frame frame = v1_.take(!reads_v1_);
    if (!frame)
        return frame;
    counts_.add(frame);
    show(frame.segment_name(), frame.generation());
    if (!std::exchange(reads_v1_, true)) {
        backpressure_.store(false, std::memory_order_relaxed);
        const std::lock_guard guard(mutex_);
        if (std::exchange(met_writer_, true))
            ++stats_.reconnects;
    }
    return frame;
}

ReaderStats Reader::Implementation::stats() const {
    if (inherited())
        return {};
    const std::lock_guard guard(mutex_);
    ReaderStats stats = stats_;
    stats.frames = counts_.frames.load(std::memory_order_relaxed);
    stats.missed = counts_.missed.load(std::memory_order_relaxed);
    stats.copied = counts_.copied.load(std::memory_order_relaxed);
    return stats;
}

Error Reader::Implementation::error() const {
    if (inherited())  // without the mutex: a thread of the parent may have held it at fork()
        return Error(ErrorCode::Forked,
                     "the reader of tag \"" + files_.tag() +
                         "\" belongs to the parent process; open a Reader of your own after fork()");
    const std::lock_guard guard(mutex_);
    return error_;
}

Error Reader::Implementation::obstacle() const {
    if (inherited())
        return error();
    const std::string problem = directory_problem(files_.directory());
    return {problem.empty() ? ErrorCode::None : ErrorCode::System, problem};
}

}  // namespace ndsharray
