// SPDX-License-Identifier: BSD-3-Clause
// The writer of a tag.
#include <ndsharray/writer.hpp>

#include "compat_writer.hpp"
#include "control.hpp"
#include "copy.hpp"
#include "interrupt.hpp"
#include "reader_table.hpp"
#include "slots.hpp"
#include "watch.hpp"
#include "writer_segment.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace ndsharray {
namespace {

using namespace std::chrono_literals;
using layout::WriterState;
using Lock = std::unique_lock<std::mutex>;
using Timeout = std::optional<std::chrono::nanoseconds>;

/// How often a writer that waits for readers looks whether they are alive.
constexpr auto death_check = 100ms;

/// Readers that are just taking a frame hold a slot more than they keep. A writer that never waits for
/// readers allows for that much, before it drops a frame.
constexpr std::chrono::nanoseconds time_to_take_a_frame = 2ms;

/// How long a writer without room for a new segment waits for readers to let go of the old one.
constexpr auto time_to_let_go = 200ms;

constexpr std::size_t max_metadata = 1024 * 1024;

WriterOptions checked(WriterOptions options) {
    if (options.slots != 0 && (options.slots < min_slots || options.slots > max_slots))
        throw Error(ErrorCode::InvalidArgument, "slots is " + std::to_string(options.slots) +
                                                    "; it is 0 for automatic, or 3 to 32 frames");
    if (options.permissions > 0777)
        throw Error(ErrorCode::InvalidArgument,
                    "permissions are a file mode from 0 to 0777 (octal), such as 0640");
    if (options.metadata_capacity > max_metadata)
        throw Error(ErrorCode::InvalidArgument, "metadata_capacity is at most 1 MiB per frame");
    return options;
}

slots::ClaimRules rules_of(const WriterOptions& options) noexcept {
    const unsigned may_read = options.permissions & 0044;
    const unsigned may_lease = (options.permissions & 0022) << 1;
    return {options.backpressure, (may_read & ~may_lease) != 0};
}

}  // namespace

class Writer::Implementation {
  public:
    Implementation(const std::string& tag, WriterOptions options)
        : options_(checked(options)), files_(tag), control_(ControlOwner::take(files_, options_)) {
        files_.remove_leftovers();
        try {
            open_compat();
            open_table();
        } catch (...) {
            if (compat_)
                compat_->close();
            control_.unlink(files_);  // no half-made tag
            throw;
        }
        published_ = control_.words().published.load(std::memory_order_relaxed);
        generation_ = control_.words().last_generation.load(std::memory_order_relaxed);
        set_state(WriterState::Live);
        table_watch_ = Watch::file(table_->file(), [this] { readers_came_or_went(); });
    }
    ~Implementation() { close(); }

    void configure(const ArraySpec& spec, const Attributes& attributes, unsigned slots);
    void reconfigure(const ArraySpec& spec);
    WritableFrame acquire(Timeout timeout);
    WritableFrame acquire_pinned(Timeout timeout);
    std::uint64_t publish(WritableFrame& frame, FrameInfo info, std::span<const std::byte> metadata);
    WriteStatus wait_for_reader(Timeout timeout);
    WriteStatus drain(Timeout timeout);
    void end_of_stream();
    void cancel() noexcept { interrupt_.cancel(); }
    void resume() noexcept { interrupt_.resume(); }
    void close();
    void on_readers_changed(std::function<void(unsigned)> changed);

    const std::string& tag() const noexcept { return files_.tag(); }
    const WriterOptions& options() const noexcept { return options_; }
    std::string segment_name() const;
    WriterStats stats() const;

  private:
    bool inherited() const noexcept { return made_under_ != fork_count(); }
    void require_usable() const;
    void open_compat();
    void open_table();
    WriterState state() const noexcept {
        // Relaxed: only we write it.
        return static_cast<WriterState>(control_.words().state.load(std::memory_order_relaxed));
    }
    void set_state(WriterState state);
    bool is_configured_as(const ArraySpec& spec, const Attributes& attributes, unsigned slots) const;
    Segment make_segment(const ArraySpec& spec, const Attributes& attributes, unsigned slots);
    void retire(const std::shared_ptr<detail::WriterSegment>& segment);
    void announce_current();
    template <typename Claim>
    WritableFrame claim_prepared(Lock& lock, Claim claim);
    bool readers_took_all() const noexcept;
    template <typename Ready>
    WriteStatus wait_for_readers(Lock& lock, const platform::Deadline& deadline,
                                 std::chrono::nanoseconds look, Ready ready);
    void readers_came_or_went();

    const WriterOptions options_;
    const slots::ClaimRules rules_ = rules_of(options_);
    const std::uint32_t made_under_ = fork_count();
    TagFiles files_;
    ControlOwner control_;
    std::shared_ptr<TableOwner> table_;
    Interrupt interrupt_;

    mutable std::mutex mutex_;  // of this process only; guards all below
    bool closed_ = false;
    std::shared_ptr<detail::WriterSegment> current_;    // the configured one
    std::shared_ptr<detail::WriterSegment> announced_;  // the one readers are pointed to
    std::optional<CompatWriter> compat_;
    unsigned asked_slots_ = 0;
    std::uint32_t generation_ = 0;
    std::uint64_t published_ = 0;  // number of the last frame: goes on from a dead writer's
    unsigned waiting_ = 0;         // threads in wait_for_readers()
    WriterStats counted_;

    std::mutex telling_;  // held while the callback runs; guards what follows
    std::function<void(unsigned)> readers_changed_;
    unsigned known_readers_ = 0;

    Watch table_watch_;  // last: its callback uses the rest
};

void Writer::Implementation::open_compat() {
    if (control_.took_over() && control_.had_compat())
        compat::remove_leftovers(files_, options_.compat);
    if (options_.compat)
        compat_.emplace(files_, options_.permissions);
}

void Writer::Implementation::open_table() {
    if (control_.took_over())
        table_ = TableOwner::open(files_, control_.instance(), options_.permissions);
    if (table_) {
        table_->reclaim_dead();
        return;
    }
    if (control_.took_over()) {
        // Its readers cannot be kept: they look at a table that is gone. A new control file calls them.
        set_state(WriterState::Closed);
        control_.unlink(files_);
        control_ = ControlOwner::take(files_, options_);
    }
    table_ = TableOwner::create(files_, control_.instance(), options_.permissions);
}

void Writer::Implementation::set_state(WriterState state) {
    control_.words().state.store(static_cast<std::uint32_t>(state), std::memory_order_release);
    control_.wake_readers();
}

void Writer::Implementation::require_usable() const {
    if (inherited())
        throw Error(ErrorCode::Forked,
                    "the writer of tag \"" + files_.tag() +
                        "\" belongs to the parent process; open a Writer of your own after fork()");
    const Lock lock(mutex_);
    if (closed_)
        throw Error(ErrorCode::Closed,
                    "the writer of tag \"" + files_.tag() + "\" was closed; make a new one");
}

// ---- segments

bool Writer::Implementation::is_configured_as(const ArraySpec& spec, const Attributes& attributes,
                                              unsigned slots) const {
    return current_ && current_->segment().spec() == spec && current_->segment().attributes() == attributes &&
           (slots == 0 || slots == asked_slots_);
}

void Writer::Implementation::configure(const ArraySpec& spec, const Attributes& attributes, unsigned slots) {
    require_usable();
    if (slots != 0 && (slots < min_slots || slots > max_slots))
        throw Error(ErrorCode::InvalidArgument,
                    "a segment of " + std::to_string(slots) + " slots cannot be; it has 3 to 32");
    const Lock lock(mutex_);
    if (is_configured_as(spec, attributes, slots))
        return;
    if (current_ != announced_)
        retire(std::exchange(current_, nullptr));  // nobody ever saw it
    if (compat_)
        compat_->configure(spec);
    Segment segment = make_segment(spec, attributes, slots);
    current_ = std::make_shared<detail::WriterSegment>(std::move(segment), table_);
    asked_slots_ = slots;
}

void Writer::Implementation::reconfigure(const ArraySpec& spec) {
    require_usable();
    Attributes attributes;
    {
        const Lock lock(mutex_);
        if (current_ && current_->segment().spec() == spec)
            return;
        if (current_)
            attributes = current_->segment().attributes();
    }
    configure(spec, attributes, 0);
}

/// With as many slots as there is room for, if the number was left to us.
Segment Writer::Implementation::make_segment(const ArraySpec& spec, const Attributes& attributes,
                                             unsigned slots) {
    if (++generation_ == 0)
        generation_ = 1;  // 0 means none
    SegmentPlan plan{control_.instance(),        generation_,         spec, attributes, default_slots,
                     options_.metadata_capacity, options_.permissions};
    const unsigned wanted = slots != 0 ? slots : options_.slots;
    if (wanted != 0)
        plan.slots = wanted;
    const unsigned fewest = options_.slots != 0 ? plan.slots : min_slots;
    platform::Deadline room_by;  // until when readers may take to let go of the old segment
    for (;;) {
        try {
            return Segment::create(files_, plan);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::NoSpace)
                throw;
            if (plan.slots > fewest) {
                --plan.slots;
            } else if (announced_) {
                // The old segment is in the way. Readers keep only frames that they hold.
                retire(std::exchange(announced_, nullptr));
                room_by = platform::deadline_after(time_to_let_go);
            } else if (room_by && !platform::has_passed(room_by)) {
                std::this_thread::sleep_for(1ms);
            } else {
                throw;
            }
        }
    }
}

/// Takes a segment away from readers to come. Those who have it keep it while they hold frames of it.
void Writer::Implementation::retire(const std::shared_ptr<detail::WriterSegment>& segment) {
    if (!segment)
        return;
    if (control_.words().generation.load(std::memory_order_relaxed) == segment->segment().generation())
        control_.announce(0, {});
    control_.wake_readers();
    platform::unlink_file(files_.segment(segment->segment().id()));
    if (current_ == segment)
        current_.reset();
}

void Writer::Implementation::announce_current() {
    control_.announce(current_->segment().generation(), current_->segment().id());
    if (announced_)
        platform::unlink_file(files_.segment(announced_->segment().id()));
    announced_ = current_;
}

// ---- frames

WritableFrame Writer::Implementation::acquire(Timeout timeout) {
    if (inherited())
        return WritableFrame(WriteStatus::Closed);
    Lock lock(mutex_);
    if (closed_ || !current_)
        return WritableFrame(WriteStatus::Closed);
    const auto claim = [this] { return current_->claim(rules_); };
    WritableFrame frame = claim_prepared(lock, claim);
    if (!frame && table_->reclaim_dead() > 0 && current_)
        frame = claim();
    if (frame)
        return frame;
    const platform::Deadline deadline =
        platform::deadline_after(options_.backpressure ? timeout : std::optional(time_to_take_a_frame));
    const WriteStatus status = wait_for_readers(lock, deadline, death_check, [&] {
        if (current_)
            frame = claim();
        return !current_ || frame;
    });
    if (status == WriteStatus::Timeout && !options_.backpressure) {
        ++counted_.dropped;
        return WritableFrame(WriteStatus::NoSlot);
    }
    if (status != WriteStatus::Ok)
        return WritableFrame(status);
    return frame ? std::move(frame) : WritableFrame(WriteStatus::Closed);
}

WritableFrame Writer::Implementation::acquire_pinned(Timeout timeout) {
    if (inherited())
        return WritableFrame(WriteStatus::Closed);
    Lock lock(mutex_);
    if (closed_ || !current_)
        return WritableFrame(WriteStatus::Closed);
    // Leases and pins are never waited for: who holds those may need more frames before letting go.
    const auto may_pin = [this] { return current_ && slots::may_pin(current_->segment(), table_->words()); };
    if (!may_pin())
        return WritableFrame(WriteStatus::NoSlot);
    WritableFrame frame = claim_prepared(lock, [this] { return current_->claim_pinned(rules_); });
    if (frame || !options_.backpressure)
        return frame;
    const WriteStatus status = wait_for_readers(lock, platform::deadline_after(timeout), death_check, [&] {
        if (current_)
            frame = current_->claim_pinned(rules_);
        return frame || !may_pin();
    });
    return status == WriteStatus::Ok ? std::move(frame) : WritableFrame(status);
}

/// A slot, one that has to be prepared first if need be. In the first moments of a segment this waits for the
/// thread that prepares some: what nobody holds is not to count as missing.
template <typename Claim>
WritableFrame Writer::Implementation::claim_prepared(Lock& lock, Claim claim) {
    WritableFrame frame = claim();
    if (!frame && current_->is_preparing())
        wait_for_readers(lock, std::nullopt, 0ns, [&] {
            const bool last_look = !current_ || !current_->is_preparing();
            if (current_)
                frame = claim();
            return frame || last_look;
        });
    while (!frame && current_ && current_->prepare_another())
        frame = claim();
    return frame;
}

std::uint64_t Writer::Implementation::publish(WritableFrame& frame, FrameInfo info,
                                              std::span<const std::byte> metadata) {
    if (inherited() || !frame || frame.published_)
        return 0;
    Lock lock(mutex_);
    if (closed_ || frame.segment_ != current_)
        return 0;
    if (current_ != announced_ && announced_ && options_.backpressure) {
        const auto can_follow = [this] {
            return !announced_ ||
                   slots::all_can_follow(table_->words(), announced_->segment().generation(), published_);
        };
        const WriteStatus status = wait_for_readers(lock, std::nullopt, death_check, can_follow);
        if (status != WriteStatus::Ok || frame.segment_ != current_)
            return 0;
    }
    info.number = ++published_;
    info.published = platform::monotonic_now();
    if (metadata.size() > current_->segment().metadata_capacity())
        metadata = {};
    // Before the frame can be seen: if we die in between, our successor's numbers leave this one out.
    control_.words().published.store(info.number, std::memory_order_relaxed);
    slots::publish(current_->segment(), frame.slot_, info, metadata);
    frame.published_ = true;
    if (current_ != announced_)
        announce_current();
    if (state() != WriterState::Live)
        control_.words().state.store(static_cast<std::uint32_t>(WriterState::Live),
                                     std::memory_order_release);
    ++counted_.published;
    control_.wake_readers();
    if (compat_)
        compat_->publish({frame.data_, current_->segment().spec()}, info.published);
    return info.number;
}

// ---- waiting

/// Waits until `ready()`, called with the mutex held. \param look how often dead readers are looked for.
template <typename Ready>
WriteStatus Writer::Implementation::wait_for_readers(Lock& lock, const platform::Deadline& deadline,
                                                     std::chrono::nanoseconds look, Ready ready) {
    std::atomic<std::uint32_t>& waiting = table_->words().writer_waiting;
    const std::shared_ptr<TableOwner> table = table_;
    ++waiting_;
    WriteStatus status = WriteStatus::Ok;
    for (;;) {
        const platform::Watched interrupted = interrupt_.now();
        const platform::Watched released{&table->words().released,
                                         table->words().released.load(std::memory_order_acquire)};
        // Said before ready() looks; its counterpart is in notify_waiting().
        waiting.store(1, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (closed_)
            status = WriteStatus::Closed;
        else if (ready())
            status = WriteStatus::Ok;
        else if (interrupt_.cancelled())
            status = WriteStatus::Cancelled;
        else if (platform::has_passed(deadline))
            status = WriteStatus::Timeout;
        else
            status = WriteStatus::NoSlot;
        if (status != WriteStatus::NoSlot)
            break;
        lock.unlock();
        platform::wait_either(released, interrupted,
                              look > 0ns ? platform::no_later_than(deadline, look) : deadline);
        if (look > 0ns)
            table->reclaim_dead();
        lock.lock();
    }
    if (--waiting_ == 0)
        waiting.store(0, std::memory_order_relaxed);
    return status;
}

bool Writer::Implementation::readers_took_all() const noexcept {
    // What a predecessor published is not ours to wait for: its last frame may be gone, and a cursor stay
    // there.
    return counted_.published == 0 || slots::held(table_->words(), generation_).floor > published_;
}

WriteStatus Writer::Implementation::drain(Timeout timeout) {
    if (inherited())
        return WriteStatus::Closed;
    Lock lock(mutex_);
    return wait_for_readers(lock, platform::deadline_after(timeout), death_check,
                            [this] { return readers_took_all(); });
}

WriteStatus Writer::Implementation::wait_for_reader(Timeout timeout) {
    if (inherited())
        return WriteStatus::Closed;
    Lock lock(mutex_);
    // Whoever attaches says so on the futex this waits on: no need to look every now and then.
    return wait_for_readers(lock, platform::deadline_after(timeout), 0ns,
                            [this] { return table_->count_live() > 0; });
}

void Writer::Implementation::end_of_stream() {
    if (inherited())
        return;
    const Lock lock(mutex_);
    if (!closed_)
        set_state(WriterState::Ended);
}

// ---- leaving

void Writer::Implementation::close() {
    if (inherited())
        return;              // the tag is the parent's
    on_readers_changed({});  // no callback runs any more when this returns
    const Lock lock(mutex_);
    if (std::exchange(closed_, true))
        return;
    if (compat_)
        compat_->close();  // first: else readers that learn of our end would look there
    const bool ended = state() == WriterState::Ended;
    set_state(ended ? WriterState::EndedAndClosed : WriterState::Closed);
    if (current_ != announced_)
        retire(current_);
    retire(std::exchange(announced_, nullptr));
    current_.reset();
    platform::unlink_file(files_.readers());
    // Last, and with the lock still held: until here nobody else can have made files of these names.
    control_.unlink(files_);
    control_.release();
    interrupt_.notify();
}

// ---- what readers do

void Writer::Implementation::on_readers_changed(std::function<void(unsigned)> changed) {
    if (inherited())
        return;
    {
        const std::lock_guard guard(telling_);
        readers_changed_ = std::move(changed);
        known_readers_ = 0;
    }
    readers_came_or_went();  // those who were here before
}

/// Mostly on the watching thread. Dead readers are cleared away at once: their leases would make the living
/// copy.
void Writer::Implementation::readers_came_or_went() {
    table_->reclaim_dead();
    const std::lock_guard guard(telling_);
    const unsigned readers = table_->count_live();
    if (readers != std::exchange(known_readers_, readers) && readers_changed_)
        readers_changed_(readers);
}

std::string Writer::Implementation::segment_name() const {
    if (inherited())
        return {};
    const Lock lock(mutex_);
    return current_ ? current_->segment().name() : std::string();
}

WriterStats Writer::Implementation::stats() const {
    if (inherited())
        return {};
    const Lock lock(mutex_);
    WriterStats stats = counted_;
    stats.reclaimed = table_->reclaimed();
    stats.readers = closed_ ? 0 : table_->count_live();
    if (current_) {
        stats.generation = current_->segment().generation();
        stats.slots = current_->segment().slot_count();
        stats.segment = current_->segment().name();
    }
    return stats;
}

// ---- the public face

Writer::Writer(std::string tag, WriterOptions options)
    : implementation_(std::make_unique<Implementation>(tag, options)) {}
Writer::~Writer() = default;
Writer::Writer(Writer&& other) noexcept = default;
Writer& Writer::operator=(Writer&& other) noexcept = default;

void Writer::configure(const ArraySpec& spec, const Attributes& attributes, unsigned slots) {
    implementation_->configure(spec, attributes, slots);
}

WritableFrame Writer::acquire(Timeout timeout) noexcept {
    return implementation_->acquire(timeout);
}

WritableFrame Writer::acquire(const ArraySpec& spec, Timeout timeout) {
    implementation_->reconfigure(spec);
    return implementation_->acquire(timeout);
}

std::uint64_t Writer::publish(WritableFrame&& frame, const FrameInfo& info,
                              std::span<const std::byte> metadata) noexcept {
    WritableFrame used_up = std::move(frame);  // whatever happens
    return implementation_->publish(used_up, info, metadata);
}

WritableFrame Writer::acquire_pinned(Timeout timeout) noexcept {
    return implementation_->acquire_pinned(timeout);
}

std::uint64_t Writer::publish_pinned(WritableFrame& frame, const FrameInfo& info,
                                     std::span<const std::byte> metadata) noexcept {
    return implementation_->publish(frame, info, metadata);
}

std::uint64_t Writer::write(const ArrayView& array, const FrameInfo& info) {
    const ArraySpec spec = contiguous_like(array.spec);
    WritableFrame frame = acquire(spec);
    if (!frame)
        return 0;
    copy_elements(frame.data(), array);
    return publish(std::move(frame), info);
}

WriteStatus Writer::wait_for_reader(Timeout timeout) noexcept {
    return implementation_->wait_for_reader(timeout);
}
WriteStatus Writer::drain(Timeout timeout) noexcept {
    return implementation_->drain(timeout);
}
void Writer::end_of_stream() noexcept {
    implementation_->end_of_stream();
}
void Writer::cancel() noexcept {
    implementation_->cancel();
}
void Writer::resume() noexcept {
    implementation_->resume();
}
void Writer::close() noexcept {
    implementation_->close();
}

void Writer::on_readers_changed(std::function<void(unsigned)> changed) {
    implementation_->on_readers_changed(std::move(changed));
}

const std::string& Writer::tag() const noexcept {
    return implementation_->tag();
}
const WriterOptions& Writer::options() const noexcept {
    return implementation_->options();
}
std::string Writer::segment_name() const {
    return implementation_->segment_name();
}
WriterStats Writer::stats() const {
    return implementation_->stats();
}

}  // namespace ndsharray
