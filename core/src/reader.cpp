// SPDX-License-Identifier: BSD-3-Clause
// A reader of a tag.
#include <ndsharray/reader.hpp>

#include "compat_reader.hpp"
#include "control.hpp"
#include "interrupt.hpp"
#include "reader_table.hpp"
#include "segment_source.hpp"
#include "slots.hpp"
#include "watch.hpp"

#include <ndsharray/writer.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <new>
#include <utility>

namespace ndsharray {
namespace {

using namespace std::chrono_literals;
using layout::WriterState;
using Timeout = std::optional<std::chrono::nanoseconds>;

/// Where nothing tells us of changes, how often we look.
constexpr auto unwatched_look = 50ms;

ReaderOptions checked(ReaderOptions options) {
    if (options.max_leases > max_slots)
        throw Error(ErrorCode::InvalidArgument,
                    "max_leases is " + std::to_string(options.max_leases) + "; it is 0 to 32 frames");
    return options;
}

Owner owner_of(const ReaderOptions& options) {
    return options.owner.empty() ? Owner::self_or_root() : Owner::named(options.owner);
}

/// One control file this reader is attached to, and what it learned about its writer.
struct Channel {
    explicit Channel(ControlView view) : control(std::move(view)) {}

    ControlView control;
    Watch death_watch;
    std::shared_ptr<ReaderSession> session;  // none: copy mode, or not joined yet
    std::shared_ptr<detail::SegmentSource> source;
    bool joined = false;
    bool settled = false;  // `wanted` is a frame from which on all are there
    bool end_reported = false;
    std::uint32_t epoch = 0;
    std::uint64_t wanted = 1;       // number of the next frame
    std::uint64_t missed_from = 1;  // older ones were published before it joined
};

}  // namespace

class Reader::Implementation {
  public:
    Implementation(const std::string& tag, ReaderOptions options)
        : options_(checked(std::move(options))),
          owner_(owner_of(options_)),
          files_(tag),
          compat_(files_, owner_) {
        watch_directory();
    }
    ~Implementation() { leave(); }

    Frame read(Timeout timeout) noexcept;
    void cancel() noexcept { interrupt_.cancel(); }
    void resume() noexcept { interrupt_.resume(); }
    void suspend(bool suspended) noexcept;

    const std::string& tag() const noexcept { return files_.tag(); }
    ReadMode mode() const noexcept { return options_.mode; }
    bool attached() const noexcept { return writer_lives_.load(std::memory_order_relaxed); }
    bool backpressure() const noexcept { return backpressure_.load(std::memory_order_relaxed); }
    ReaderStats stats() const;
    Error error() const;

  private:
    bool inherited() const noexcept { return made_under_ != fork_count(); }
    Frame wait_for_frame(const platform::Deadline& deadline);
    Frame fail(ErrorCode code, const std::string& sentence) noexcept;

    void watch_directory();
    bool is_watched() const noexcept {
        return directory_watch_ && compat_watch_ && (!channel_ || channel_->death_watch);
    }
    void attach();
    void leave() noexcept;
    void lose_writer() noexcept;
    void join();
    void settle();
    bool writer_stays() const noexcept;
    void meet_writer();
    void follow_replacement();
    bool was_taken_over() const noexcept;
    void follow_takeover();

    Frame look();
    Frame look_for_end(WriterState state);
    std::optional<Frame> take();
    void move_to(const ControlView::Announcement& announcement);
    std::optional<Frame> next_frame();
    void count(Frame& frame);
    void count_delivered(const Frame& frame);
    std::optional<Frame> take_compat();

    const ReaderOptions options_;
    const Owner owner_;
    const std::uint32_t made_under_ = fork_count();
    const TagFiles files_;
    Interrupt interrupt_;
    CompatReader compat_;  // only for the thread that reads

    // Set by the watching thread, looked at by read().
    std::atomic<bool> check_path_{false};
    std::atomic<bool> check_death_{false};

    // Set by read(), looked at by anybody.
    std::atomic<bool> writer_lives_{false};
    std::atomic<bool> backpressure_{false};

    // Only for the thread that reads.
    bool met_writer_ = false;
    bool first_of_writer_ = false;
    bool reads_compat_ = false;  // the last frame came from 1.x

    mutable std::mutex mutex_;  // of this process only; guards what follows where read() changes it
    std::optional<Channel> channel_;
    bool suspended_ = false;
    ReaderStats stats_;
    Error error_{ErrorCode::None, ""};

    Watch directory_watch_;  // last, with the next: their callbacks use the rest
    Watch compat_watch_;
};

// ---- waiting

Frame Reader::Implementation::read(Timeout timeout) noexcept {
    if (inherited())
        return Frame(ReadStatus::Failed);  // error() says why
    try {
        return wait_for_frame(platform::deadline_after(timeout));
    } catch (const Error& error) {
        leave();
        return fail(error.code(), error.what());
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::OutOfMemory, "no memory to copy a frame of tag \"" + files_.tag() + "\" into");
    } catch (const std::exception& error) {
        leave();
        return fail(ErrorCode::System, error.what());
    }
}

Frame Reader::Implementation::fail(ErrorCode code, const std::string& sentence) noexcept {
    const std::lock_guard guard(mutex_);
    error_ = Error(code, sentence);
    return Frame(ReadStatus::Failed);
}

Frame Reader::Implementation::wait_for_frame(const platform::Deadline& deadline) {
    for (;;) {
        // Both words first, then what they are about: a change after the look ends the wait at once.
        const platform::Watched interrupted = interrupt_.now();
        if (interrupt_.cancelled())
            return Frame(ReadStatus::Cancelled);
        if (!channel_)
            attach();
        else if (!attached())
            follow_replacement();
        platform::Watched woken{};
        if (channel_) {
            const auto& word = channel_->control.words().wake;
            woken = {&word, word.load(std::memory_order_acquire)};
            Frame frame = look();
            if (frame || frame.status() != ReadStatus::Timeout)
                return frame;
        }
        if (!attached())
            if (auto frame = take_compat())
                return std::move(*frame);
        if (platform::has_passed(deadline))
            return Frame(ReadStatus::Timeout);
        platform::Deadline limit =
            is_watched() ? deadline : platform::no_later_than(deadline, unwatched_look);
        if (!attached())
            limit = compat_.next_look(limit);
        if (channel_)
            platform::wait_either(woken, interrupted, limit);
        else
            platform::wait_private(interrupted, limit);
        if (!is_watched()) {
            check_path_.store(true, std::memory_order_relaxed);
            check_death_.store(true, std::memory_order_relaxed);
            watch_directory();
        }
    }
}

void Reader::Implementation::suspend(bool suspended) noexcept {
    if (inherited())
        return;
    const std::lock_guard guard(mutex_);
    suspended_ = suspended;
    if (channel_ && channel_->session)
        channel_->session->suspend(suspended);
}

// ---- coming and going of writers

void Reader::Implementation::watch_directory() {
    if (!directory_watch_)
        directory_watch_ = Watch::directory(files_.directory(), files_.control_name(), [this] {
            check_path_.store(true, std::memory_order_relaxed);
            interrupt_.notify();
        });
    if (!compat_watch_)
        compat_watch_ = Watch::directory(files_.directory(), files_.tag(), [this] { interrupt_.notify(); });
}

void Reader::Implementation::attach() {
    auto control = ControlView::open(files_, owner_);
    if (!control)
        return;
    const std::lock_guard guard(mutex_);
    channel_.emplace(std::move(*control));
    // Watched before looked at, so that a death in between is not overlooked.
    channel_->death_watch = Watch::file(channel_->control.file(), [this] {
        check_death_.store(true, std::memory_order_relaxed);
        interrupt_.notify();
    });
    channel_->epoch = channel_->control.words().epoch.load(std::memory_order_acquire);
    if (channel_->control.writer_lives())
        meet_writer();
    else
        compat_.ignore_until_now();
}

void Reader::Implementation::meet_writer() {
    const std::uint32_t options = channel_->control.words().options.load(std::memory_order_relaxed);
    backpressure_.store((options & layout::option_backpressure) != 0, std::memory_order_relaxed);
    writer_lives_.store(true, std::memory_order_relaxed);
    first_of_writer_ = true;
    reads_compat_ = false;
    channel_->end_reported = false;
    if (std::exchange(met_writer_, true))
        ++stats_.reconnects;
}

/// What a writer of ours wrote for 1.x as well is not to be read a second time.
void Reader::Implementation::lose_writer() noexcept {
    if (writer_lives_.exchange(false, std::memory_order_relaxed))
        compat_.ignore_until_now();
}

void Reader::Implementation::leave() noexcept {
    lose_writer();
    std::optional<Channel> left;  // ends outside of the mutex
    const std::lock_guard guard(mutex_);
    if (channel_ && channel_->session && channel_->session->is_own())
        channel_->session->retire();
    std::swap(left, channel_);
}

/// A dead writer's successor may have put a new file in the place of the one we are attached to.
void Reader::Implementation::follow_replacement() {
    if (!check_path_.exchange(false, std::memory_order_relaxed) || channel_->control.is_current(files_))
        return;
    leave();
    attach();
}

bool Reader::Implementation::was_taken_over() const noexcept {
    return channel_->control.words().epoch.load(std::memory_order_acquire) != channel_->epoch;
}

/// A dead writer's successor took the file over.
void Reader::Implementation::follow_takeover() {
    const std::lock_guard guard(mutex_);
    channel_->epoch = channel_->control.words().epoch.load(std::memory_order_acquire);
    check_death_.store(true, std::memory_order_relaxed);  // it may be dead already
    meet_writer();
}

/// Comes to the table. Not now, if the writer is leaving or being succeeded: then the table goes with it.
void Reader::Implementation::join() {
    const layout::ControlFile& control = channel_->control.words();
    const std::uint64_t before = control.published.load(std::memory_order_acquire);
    std::shared_ptr<ReaderSession> session;
    try {
        session = ReaderSession::join(files_, channel_->control.instance(), owner_, options_.mode,
                                      std::max<std::uint64_t>(before, 1));
    } catch (const Error& error) {
        if (error.code() == ErrorCode::Damaged && !writer_stays())
            return;
        throw;
    }
    // From here on, past the fence with which the session was announced, a writer with backpressure keeps all
    // that is newer than `before`. What was published while we came may be gone already: see settle().
    const std::uint64_t published = control.published.load(std::memory_order_acquire);
    const std::lock_guard guard(mutex_);
    if (session && suspended_)
        session->suspend(true);
    channel_->session = std::move(session);
    channel_->joined = true;
    channel_->wanted = std::max<std::uint64_t>(before, 1);
    channel_->missed_from = published + 1;
    channel_->settled = published == before;
}

/// Starts with the oldest frame after which none is missing. A writer that waited for us to come has all of
/// them; one that was running may have overwritten some before it saw us.
void Reader::Implementation::settle() {
    channel_->settled = true;
    const Segment& segment = channel_->source->segment();
    std::uint64_t start = std::max<std::uint64_t>(channel_->missed_from - 1, 1);
    while (start > channel_->wanted && slots::find_from(segment, start - 1, start - 1))
        --start;
    channel_->wanted = start;
}

bool Reader::Implementation::writer_stays() const noexcept {
    const WriterState state = channel_->control.state();
    return (state == WriterState::Live || state == WriterState::Ended) && !was_taken_over() &&
           channel_->control.writer_lives() && channel_->control.is_current(files_);
}

// ---- looking for a frame

/// A frame, or Timeout if there is none now, or the status to report. Leaves the channel only if that is
/// Disconnected.
Frame Reader::Implementation::look() {
    if (!attached() && was_taken_over())
        follow_takeover();
    if (!attached())
        return Frame(ReadStatus::Timeout);
    // The state before the frames: when it says that the stream ended, the frames before the end are there.
    const WriterState state = channel_->control.state();
    if (!channel_->joined && (state == WriterState::Live || state == WriterState::Ended))
        join();
    if (auto frame = take())
        return std::move(*frame);
    return look_for_end(state);
}

Frame Reader::Implementation::look_for_end(WriterState state) {
    if (was_taken_over()) {  // died and was succeeded before we noticed
        lose_writer();
        return Frame(ReadStatus::Disconnected);
    }
    const bool ended = state == WriterState::Ended || state == WriterState::EndedAndClosed;
    if (ended && !std::exchange(channel_->end_reported, true))
        return Frame(ReadStatus::EndOfStream);
    if (layout::is_closed(state)) {
        leave();
        return Frame(ReadStatus::Disconnected);
    }
    if (check_death_.exchange(false, std::memory_order_relaxed) && !channel_->control.writer_lives()) {
        if (auto frame = take()) {  // published just before
            check_death_.store(true, std::memory_order_relaxed);
            return std::move(*frame);
        }
        if (const WriterState last = channel_->control.state(); last != state) {
            check_death_.store(true, std::memory_order_relaxed);
            return look_for_end(last);  // it ended its stream, or left, just before
        }
        lose_writer();
        return Frame(ReadStatus::Disconnected);
    }
    return Frame(ReadStatus::Timeout);
}

std::optional<Frame> Reader::Implementation::take() {
    if (!channel_->joined)
        return std::nullopt;
    const ControlView::Announcement now = channel_->control.announcement();
    // A successor's segment is not for now: first its predecessor's end is to be reported. It announces after
    // it has changed the epoch, so the check cannot miss it.
    const bool moved = now.generation != 0 && !was_taken_over() &&
                       (!channel_->source || channel_->source->segment().generation() != now.generation);
    // Every frame means those of the old segment, too. They are all there: it was left before this one came.
    if (channel_->source && (!moved || options_.mode == ReadMode::Every))
        if (auto frame = next_frame())
            return frame;
    if (now.generation == 0)
        channel_->source.reset();  // the writer needs its room, and we have taken all we could
    if (!moved)
        return std::nullopt;
    move_to(now);
    return channel_->source ? next_frame() : std::nullopt;
}

void Reader::Implementation::move_to(const ControlView::Announcement& announcement) {
    auto segment = Segment::open(files_, announcement.segment, channel_->control.instance(),
                                 announcement.generation, owner_);
    if (segment) {
        channel_->source = std::make_shared<detail::SegmentSource>(std::move(*segment), channel_->session);
        const std::lock_guard guard(mutex_);
        stats_.generation = announcement.generation;
        stats_.segment = channel_->source->segment().name();
        return;
    }
    // Gone: the writer has moved on again, which it says with `wake`; or somebody deleted it.
    const auto now = channel_->control.announcement();
    if (now.generation == announcement.generation && channel_->control.writer_lives())
        throw Error(ErrorCode::Damaged, files_.segment(announcement.segment) +
                                            " is missing although its writer lives; restart the writer");
}

std::optional<Frame> Reader::Implementation::next_frame() {
    // A writer faster than our look overwrites what we found; then there is something newer. What never
    // matches is a damaged file: then we wait like for any frame.
    constexpr int tries = 1000;
    if (!channel_->settled)
        settle();
    const Segment& segment = channel_->source->segment();
    for (int i = 0; i < tries; ++i) {
        const slots::Place newest = slots::latest(segment);
        if (newest.frame < channel_->wanted)
            return std::nullopt;
        const auto place = options_.mode == ReadMode::Latest
                               ? std::optional(newest)
                               : slots::find_from(segment, channel_->wanted, newest.frame);
        if (!place)
            continue;
        if (auto frame = channel_->source->take(*place, options_.max_leases)) {
            count(*frame);
            return frame;
        }
    }
    return std::nullopt;
}

void Reader::Implementation::count(Frame& frame) {
    const std::uint64_t expected = std::max(channel_->wanted, channel_->missed_from);
    const std::uint64_t missed = frame.number() > expected ? frame.number() - expected : 0;
    channel_->end_reported = false;
    channel_->wanted = frame.number() + 1;
    detail::FrameSource::describe(frame, missed, std::exchange(first_of_writer_, false));
    count_delivered(frame);
    if (!channel_->session)
        return;
    layout::ReaderEntry& entry = channel_->session->entry();
    entry.frames.store(stats_.frames, std::memory_order_relaxed);
    entry.missed.store(stats_.missed, std::memory_order_relaxed);
    entry.copied.store(stats_.copied, std::memory_order_relaxed);
    // Release: the lease of this frame is there before the writer may take the frames up to it.
    entry.cursor.store(channel_->wanted, std::memory_order_release);
    if (options_.mode == ReadMode::Every)
        channel_->session->notify_released();
}

void Reader::Implementation::count_delivered(const Frame& frame) {
    const std::lock_guard guard(mutex_);
    ++stats_.frames;
    stats_.missed += frame.missed();
    stats_.copied += frame.is_copy() ? 1 : 0;
}

// ---- tags that only 1.x writes

/// A frame of 1.x. It does not say which frames there were before, nor whether its writer lives.
std::optional<Frame> Reader::Implementation::take_compat() {
    auto frame = compat_.take();
    if (!frame)
        return std::nullopt;
    const bool first = !std::exchange(reads_compat_, true);
    detail::FrameSource::describe(*frame, 0, first);
    count_delivered(*frame);
    const std::lock_guard guard(mutex_);
    stats_.generation = frame->generation();
    stats_.segment = frame->segment_name();
    if (first)
        backpressure_.store(false, std::memory_order_relaxed);
    if (first && std::exchange(met_writer_, true))
        ++stats_.reconnects;
    return frame;
}

ReaderStats Reader::Implementation::stats() const {
    if (inherited())
        return {};
    const std::lock_guard guard(mutex_);
    return stats_;
}

Error Reader::Implementation::error() const {
    if (inherited())  // without the mutex: a thread of the parent may have held it
        return Error(ErrorCode::Forked,
                     "the reader of tag \"" + files_.tag() +
                         "\" belongs to the parent process; open a Reader of your own after fork()");
    const std::lock_guard guard(mutex_);
    return error_;
}

// ---- the public face

Reader::Reader(std::string tag, ReaderOptions options)
    : implementation_(std::make_unique<Implementation>(tag, std::move(options))) {}
Reader::~Reader() = default;
Reader::Reader(Reader&& other) noexcept = default;
Reader& Reader::operator=(Reader&& other) noexcept = default;

Frame Reader::read(Timeout timeout) noexcept {
    return implementation_->read(timeout);
}
void Reader::cancel() noexcept {
    implementation_->cancel();
}
void Reader::resume() noexcept {
    implementation_->resume();
}
void Reader::suspend(bool suspended) noexcept {
    implementation_->suspend(suspended);
}
const std::string& Reader::tag() const noexcept {
    return implementation_->tag();
}
ReadMode Reader::mode() const noexcept {
    return implementation_->mode();
}
bool Reader::attached() const noexcept {
    return implementation_->attached();
}
bool Reader::writer_has_backpressure() const noexcept {
    return implementation_->backpressure();
}
std::string Reader::segment_name() const {
    return stats().segment;
}
ReaderStats Reader::stats() const {
    return implementation_->stats();
}
Error Reader::error() const {
    return implementation_->error();
}

}  // namespace ndsharray
