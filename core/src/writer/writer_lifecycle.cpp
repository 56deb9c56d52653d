// SPDX-License-Identifier: BSD-3-Clause
// The life of a writer's tag: taking it, closing it, and making its files again after they were cut or
// removed.
#include "writer/writer_implementation.hpp"

#include "testing/faults.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <utility>

namespace ndsharray {
namespace {

using layout::WriterState;

/// How long a reader may take to attach to files that replace lost ones.
constexpr std::chrono::seconds time_to_attach_again{5};

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

/// The first step may fail and leaves no trace. So it comes before the tag is taken.
ControlOwner take_tag(const TagFiles& files, const WriterOptions& options) {
    static_cast<void>(
        FileWatcher::start());  // without inotify, dead readers are found when a slot is missing
    return ControlOwner::take(files, options);
}

}  // namespace

Writer::Implementation::Implementation(const std::string& tag, WriterOptions options)
    : options_(checked(options)),
      rules_(rules_of(options_)),
      files_(tag),
      control_(take_tag(files_, options_)) {
    try {
        // This reads the whole directory, so it takes longer with more tags.
        if (control_.may_have_leftovers(files_))
            files_.remove_leftovers();
        NDSHARRAY_FAULT_POINT(LeftoversRemoved);
        open_compat();
        open_table();
        watch_files();
    } catch (...) {
        if (v1_)
            v1_->close();
        if (table_)
            table_->unlink(files_);
        control_.unlink(files_);  // no unfinished tag stays
        throw;
    }
    published_ = control_.words().published.load(std::memory_order_relaxed);
    segments_.set_generation(control_.words().last_generation.load(std::memory_order_relaxed));
    set_state(WriterState::Live);
    NDSHARRAY_FAULT_POINT(TagOpened);
}

void Writer::Implementation::open_compat() {
    const bool inherits = control_.took_over() && control_.had_compat();
    if (inherits)
        v1::remove_leftovers(files_, options_.compat);
    if (!options_.compat)
        return;
    v1_.emplace(files_, options_.permissions);
    if (inherits)
        v1_->inherit_control();
}

void Writer::Implementation::open_table() {
    if (control_.took_over())
        table_ = TableOwner::open(files_, control_.instance(), options_.permissions);
    if (table_) {
        table_->reclaim_dead();
        return;
    }
    if (control_.took_over()) {
        // The readers use a table that is gone, so they cannot be kept. A new control file makes them attach
        // again.
        NDSHARRAY_FAULT_POINT(TableFoundUnusable);
        set_state(WriterState::Closed);
        control_.unlink(files_);
        NDSHARRAY_FAULT_POINT(TablelessControlRemoved);
        control_ = ControlOwner::take(files_, options_);
    }
    table_ = TableOwner::create(files_, control_.instance(), options_.permissions);
}

void Writer::Implementation::set_state(WriterState state) {
    control_.words().state.store(static_cast<std::uint32_t>(state), std::memory_order_release);
    NDSHARRAY_FAULT_POINT(WriterStateStored);
    control_.wake_readers();
    control_.notify_watchers();
}

// ---- closing

void Writer::Implementation::close() {
    if (inherited())
        return;            // the tag belongs to the parent
    on_reader_change({});  // after this, no callback runs any more
    const Lock lock(mutex_);
    if (closed_.exchange(true))
        return;
    NDSHARRAY_FAULT_POINT(WriterToLeave);
    if (v1_)
        v1_->close();  // first: readers that get Disconnected would otherwise read there
    NDSHARRAY_FAULT_POINT(CompatFilesRemoved);
    leave(state() == WriterState::Ended ? WriterState::EndedAndClosed : WriterState::Closed);
    NDSHARRAY_FAULT_POINT(ControlRemoved);
    control_.release();
    NDSHARRAY_FAULT_POINT(TagFree);
    wait_.notify();
}

/// Tells readers that the tag is closed, and removes all files except those of 1.x.
void Writer::Implementation::leave(WriterState last) {
    set_state(last);
    segments_.retire_all();
    show_segment();
    // The lock is still held. So another process has a file of this name only if ours was removed before.
    table_->unlink(files_);
    NDSHARRAY_FAULT_POINT(TableRemoved);
    // This comes last, with the lock still held.
    control_.unlink(files_);
}

// ---- files that were cut or removed

bool Writer::Implementation::was_cut() const noexcept {
    return table_->was_cut() || control_.was_cut() || (current() && current()->segment().was_cut());
}

/// Whether the names in the directory still lead to the writer's files, as far as is known.
struct Writer::Implementation::Names {
    Names(const platform::FileStatus& its_control, std::shared_ptr<TableOwner> its_table)
        : control(its_control), table(std::move(its_table)) {}

    const platform::FileStatus control;
    const std::shared_ptr<TableOwner> table;
    bool missed = false;            // at the last look; for the watching thread
    std::atomic<bool> lost{false};  // relaxed: a flag by itself
};

/// While the directory is missing, no new files can be made. The writer goes on: attached readers still have
/// the old files.
bool Writer::Implementation::has_lost_names() const noexcept {
    const bool lost = names_->lost.load(std::memory_order_relaxed) || control_.was_ended();
    return lost && platform::status_of(files_.directory());
}

bool Writer::Implementation::has_lost_files() const noexcept {
    return has_lost_names() || was_cut();
}

/// Makes all files of the tag again, as after a restart of the writer, in two cases. If a process cut a
/// mapped file, other processes do not see later writes, and the writer does not see their leases. If the
/// files were removed (as systemd-logind does when a user logs out), no reader finds them. Readers keep the
/// frames that they hold and attach to the new files. Releases the lock for a moment.
/// \returns false if the writer is closed now. Then error() says why.
bool Writer::Implementation::start_anew(Lock& lock) noexcept {
    if (closed_)
        return false;
    try {
        make_files_anew();
        std::array ended{std::move(directory_watch_), std::move(control_watch_), std::move(table_watch_)};
        watch_files();
        wait_.notify();  // waiting threads wait for readers of the old table
        lock.unlock();   // the end of an old watch waits for its callback, which may need the mutex
        ended = {};
        readers_came_or_went();  // all readers detached
        lock.lock();
        return !closed_;
    } catch (const Error& error) {
        set_error(error);
    } catch (const std::exception& error) {
        set_error(Error(ErrorCode::System, error.what()));
    }
    closed_ = true;
    if (v1_)
        v1_->close();
    leave(WriterState::Closed);
    control_.release();
    wait_.notify();
    return false;
}

void Writer::Implementation::make_files_anew() {
    const Segments::Pointer before = current();
    if (options_.backpressure) {
        table_->reclaim_dead();
        // Readers that were awaited in files that are lost again still count.
        former_readers_.count = std::max(former_readers_.count, slots::count_of_every_frame(table_->words()));
        former_readers_.until = std::chrono::steady_clock::now() + time_to_attach_again;
    }
    leave(WriterState::Closed);
    control_ = ControlOwner::take(files_, options_);
    auto table = TableOwner::create(files_, control_.instance(), options_.permissions);
    {
        const Lock lock(shown_mutex_);
        std::swap(table_, table);
    }
    control_.words().published.store(published_, std::memory_order_relaxed);
    set_state(WriterState::Live);
    if (before)
        segments_.make(before->segment().spec(), before->segment().attributes(), segments_.asked_slots(),
                       table_);
    show_segment();
}

void Writer::Implementation::set_error(const Error& error) {
    const Lock lock(shown_mutex_);
    error_ = error;
}

Error Writer::Implementation::error() const {
    if (inherited())
        return {ErrorCode::None, ""};
    const Lock lock(shown_mutex_);
    return error_;
}

void Writer::Implementation::watch_files() {
    names_ = std::make_shared<Names>(control_.identity(), table_);
    // If the directory is moved or mounted over, no event comes for the files in it.
    directory_watch_ = FileWatcher::file_named(files_.control_name(), files_.directory(),
                                               [this, names = names_] { look_for_names(*names); });
    control_watch_ = FileWatcher::file(control_.file(), [this, names = names_] { look_for_names(*names); });
    table_watch_ = FileWatcher::file(table_->file(), [this, names = names_] {
        look_for_names(*names);
        readers_came_or_went();
    });
}

/// Runs in the watching thread. Names count as lost when two looks in a row miss them. Each event causes
/// several looks. The reason: a writer that starts may take away a file's name for a moment, if another
/// process disturbs its locks.
void Writer::Implementation::look_for_names(Names& names) noexcept {
    const auto control = platform::status_of(files_.control());
    const bool is_there = control && control->same_file(names.control) && names.table->is_current(files_);
    const bool lost = std::exchange(names.missed, !is_there) && !is_there;
    if (lost || is_there)
        names.lost.store(lost, std::memory_order_relaxed);
    if (names.lost.load(std::memory_order_relaxed))
        wait_.notify();  // the directory may exist now
}

/// Mostly runs in the watching thread. Entries of dead readers are cleared at once: their leases would make
/// living readers copy.
void Writer::Implementation::readers_came_or_went() {
    const std::shared_ptr<TableOwner> table = this->table();
    if (table->is_cut())
        wait_.notify();  // wakes a thread that waits for readers; this thread must not call start_anew()
    table->reclaim_dead();
    events_.tell(*table);
}

std::shared_ptr<TableOwner> Writer::Implementation::table() const {
    const Lock lock(shown_mutex_);
    return table_;
}

}  // namespace ndsharray
