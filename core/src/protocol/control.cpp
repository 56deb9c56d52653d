// SPDX-License-Identifier: BSD-3-Clause
// The control file: it names the writer that has the tag, and the segment that is announced.
#include "protocol/control.hpp"

#include "testing/faults.hpp"

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <thread>
#include <utility>

namespace ndsharray {
namespace {

using namespace std::chrono_literals;
using layout::ControlFile;
using layout::WriterState;

/// Time that a starting writer waits for a writer that is leaving.
constexpr auto leaving_time = 2s;

/// Time that a tag may be locked without a writer: by the removal of leftovers (leftovers.cpp). A starting
/// writer waits longer, as for a writer that is leaving, if it sees that the last writer's process is gone.
constexpr auto cleaning_time = 100ms;

/// The highest frame number that a successor continues. The rest lasts a writer for a million years.
constexpr std::uint64_t last_continued = layout::max_frame / 2;

[[noreturn]] void throw_in_use(const TagFiles& files, std::uint32_t pid) {
    if (pid == platform::own_pid())
        throw Error(ErrorCode::TagInUse, "tag \"" + files.tag() +
                                             "\" is in use by another writer of this very process; close "
                                             "that one first (in a notebook: the cell ran before)");
    throw Error(ErrorCode::TagInUse, "tag \"" + files.tag() + "\" is in use by another writer" +
                                         (pid != 0 ? ", process " + std::to_string(pid) : std::string()) +
                                         "; stop it or choose another tag");
}

/// Read bits only: only the writer may write the control file.
unsigned control_permissions(const WriterOptions& options) noexcept {
    return 0600 | (options.permissions & 0444);
}

/// Maps a control file and checks its start.
platform::Mapping map_checked(const platform::Descriptor& file, platform::Access access,
                              const std::string& path) {
    const auto status = platform::status_of(file);
    if (!status || status->bytes < sizeof(ControlFile))
        throw Error(ErrorCode::Damaged, path +
                                            " is damaged or not a file of ndsharray: it is too short; remove "
                                            "it or use another tag");
    platform::Mapping mapping = platform::Mapping::of(file, sizeof(ControlFile), access);
    if (!mapping)
        throw_errno(errno, "map", path);
    layout::Preamble preamble;
    std::memcpy(&preamble, mapping.data(), sizeof preamble);
    check_preamble(preamble, layout::control_magic, sizeof(ControlFile), path);
    return mapping;
}

bool is_file_at(const platform::Descriptor& file, const std::string& path) noexcept {
    const auto mine = platform::status_of(file);
    const auto named = platform::status_of(path);
    return mine && named && mine->same_file(*named);
}

/// Takes the name away from a file if a process holds its lock and may not write the file. Such a process is
/// no writer, but would keep all writers out. A new file of this name has a new lock.
void set_aside(const TagFiles& files, const platform::Descriptor& file) {
    const std::string aside = files.temporary();
    if (platform::rename_file(files.control(), aside) != 0)
        return;
    const RemoveAtEnd remove(aside);
    if (!is_file_at(file, aside))  // another starting writer was faster, and this is its file
        platform::give_back_name(aside, files.control());
}

/// A control file that does not have its final name yet.
struct Unnamed {
    platform::Opened made;
    std::string path;
    bool is_easily_found = false;  // the next writer finds it if this one dies now
};

/// All writers that start a tag use the same temporary name. So no writer must search the directory for the
/// file of a dead one. If two writers start at the same time, one finds its name gone and starts again.
Unnamed make_control(const TagFiles& files) {
    if (platform::can_link_open_files()) {
        std::string path = files.temporary(Id{});
        // Mode 0600 at first: a process that may read the file could lock it before this writer does.
        platform::Opened made = platform::create_new(path, 0600);
        if (made.error == EEXIST && platform::unlink_file(path) == 0)
            made = platform::create_new(path, 0600);
        if (made.error != EEXIST)
            return {std::move(made), std::move(path), true};
    }
    std::string path =
        files.temporary();  // another user has the name, or links to open files are not possible
    platform::Opened made = platform::create_new(path, 0600);
    return {std::move(made), std::move(path), false};
}

/// Gives the file its final name.
/// \returns 0 or an errno. ENOENT: another starting writer has removed the name.
int put_in_place(const Unnamed& file, const std::string& path) noexcept {
    if (!file.is_easily_found)
        return platform::link_file(file.path, path);
    // Links the descriptor: the temporary name may belong to another writer's file by now, which is not
    // locked yet.
    return platform::link_open_file(file.made.file, path);
}

/// Tells readers that a signal ends the writer's process: the tag is closed, and there is no segment.
void tell_of_end(void* mapped) noexcept {
    auto& file = *static_cast<ControlFile*>(mapped);
    const auto state = static_cast<WriterState>(file.state.load(std::memory_order_relaxed));
    const bool has_ended = state == WriterState::Ended || state == WriterState::EndedAndClosed;
    const WriterState last = has_ended ? WriterState::EndedAndClosed : WriterState::Closed;
    file.state.store(static_cast<std::uint32_t>(last), std::memory_order_release);
    file.generation.store(0, std::memory_order_release);
    file.wake.fetch_add(1, std::memory_order_release);
    platform::wake_shared(file.wake);
}

[[noreturn]] void throw_others_tag(const TagFiles& files, ErrorCode code, uid_t owner) {
    const std::string user = platform::user_name(owner);
    const auto file = platform::open_existing(files.control(), platform::Access::ReadOnly).file;
    const bool lives = file && platform::is_locked(file.number(), layout::writer_lock_byte);
    throw Error(code, files.control() + " belongs to user " + user +
                          (lives ? ", whose writer has the tag; "
                                 : ", and a writer takes only tags of its own user; ") +
                          "choose another tag" +
                          (lives ? ""
                                 : ", or let " + user + " or root remove what is left of it: ndsh prune " +
                                       "--all-users " + files.tag()));
}

/// The tag's file, if there is one. The file of another user is not taken over, not even by root: that user's
/// readers could not read the tag any more.
std::optional<platform::Descriptor> open_to_take(const TagFiles& files) try {
    return open_checked(files.control(), platform::Access::ReadWrite, Owner::self());
} catch (const Error& error) {
    // The advice in the error of open_checked() is for readers.
    const auto status = platform::status_of(files.control());
    const bool is_others = status && status->owner != platform::own_user();
    if (is_others && (error.code() == ErrorCode::WrongOwner || error.code() == ErrorCode::PermissionDenied))
        throw_others_tag(files, error.code(), status->owner);
    throw;
}

}  // namespace

/// The notice must be replaced before the mapping that it writes to.
ControlOwner& ControlOwner::operator=(ControlOwner&& other) noexcept {
    end_ = std::move(other.end_);
    lock_ = std::move(other.lock_);
    file_ = other.file_;
    mapping_ = std::move(other.mapping_);
    took_over_ = other.took_over_;
    is_first_ = other.is_first_;
    return *this;
}

ControlOwner ControlOwner::take(const TagFiles& files, const WriterOptions& options) {
    const auto deadline = platform::deadline_after(leaving_time);
    const auto in_use_after = platform::deadline_after(cleaning_time);
    bool is_first = true;
    for (;;) {
        auto existing = open_to_take(files);
        auto owner = existing ? take_existing(files, options, std::move(*existing), in_use_after)
                              : create(files, options);
        is_first = is_first && !existing;
        if (owner) {
            owner->is_first_ = owner->is_first_ && is_first;
            return std::move(*owner);
        }
        // The file has changed meanwhile: another writer is starting or leaving. Try again.
        if (platform::has_passed(deadline))
            throw_in_use(files, 0);
        std::this_thread::sleep_for(1ms);
    }
}

/// \returns nothing if another process was faster.
std::optional<ControlOwner> ControlOwner::create(const TagFiles& files, const WriterOptions& options) {
    NDSHARRAY_FAULT_POINT(ControlToBeMade);
    const Unnamed unnamed = make_control(files);
    const platform::Opened& made = unnamed.made;
    const std::string& temporary = unnamed.path;
    if (made.error != 0)
        throw_errno(made.error, "create", temporary);
    NDSHARRAY_FAULT_POINT(ControlCreated);
    const RemoveAtEnd remove(temporary);  // at the end it has its final name, or must be removed

    reserve_or_throw(made.file, sizeof(ControlFile), files.control());
    NDSHARRAY_FAULT_POINT(ControlReserved);
    ControlOwner owner;
    owner.is_first_ = unnamed.is_easily_found;
    owner.mapping_ = platform::Mapping::of(made.file, sizeof(ControlFile), platform::Access::ReadWrite);
    if (!owner.mapping_)
        throw_errno(errno, "map", files.control());
    auto to_lock = open_to_lock(made.file, temporary);
    if (!to_lock)
        return std::nullopt;  // a faster writer has removed the name, or has its own file there
    if (!owner.hold(std::move(*to_lock)))
        return std::nullopt;
    NDSHARRAY_FAULT_POINT(ControlLocked);
    auto* words = new (owner.mapping_.data()) ControlFile{};
    words->preamble = make_preamble(layout::control_magic, sizeof(ControlFile), Id::random());
    NDSHARRAY_FAULT_POINT(ControlPreambleWritten);
    owner.start(options);
    NDSHARRAY_FAULT_POINT(ControlStarted);
    owner.end_ = std::make_unique<platform::own_files::Notice>(tell_of_end, words);
    if (!platform::set_permissions(made.file, control_permissions(options)))
        throw_errno(errno, "set the permissions of", temporary);
    const int error = put_in_place(unnamed, files.control());
    NDSHARRAY_FAULT_POINT(ControlLinked);
    if (error != 0 && error != EEXIST && error != ENOENT)
        throw_errno(error, "create", files.control());
    return error == 0 ? std::optional(std::move(owner)) : std::nullopt;
}

/// \returns nothing if the file is being removed.
std::optional<ControlOwner> ControlOwner::take_existing(const TagFiles& files, const WriterOptions& options,
                                                        platform::Descriptor file,
                                                        const platform::Deadline& in_use_after) {
    const std::string path = files.control();
    ControlOwner owner;
    owner.mapping_ = map_checked(file, platform::Access::ReadWrite, path);
    auto to_lock = open_to_lock(file, path);
    if (!to_lock)
        return std::nullopt;

    const auto state = [&] {
        return static_cast<WriterState>(owner.words().state.load(std::memory_order_acquire));
    };
    if (!owner.hold(std::move(*to_lock))) {
        if (!platform::is_locked(owner.lock_.number(), layout::writer_lock_byte)) {
            set_aside(files, file);
            return std::nullopt;
        }
        const std::uint32_t pid = owner.words().writer_pid.load(std::memory_order_relaxed);
        if (layout::is_closed(state()) || !platform::has_passed(in_use_after) ||
            !platform::process_exists(pid))
            return std::nullopt;
        throw_in_use(files, pid);
    }
    NDSHARRAY_FAULT_POINT(DeadControlLocked);
    if (!is_file_at(file, path))
        return std::nullopt;
    if (layout::is_closed(state())) {
        // The writer closed the tag and died before it removed the file. Readers have left this file and wait
        // for a new one.
        platform::unlink_file(path);
        NDSHARRAY_FAULT_POINT(ClosedControlRemoved);
        return std::nullopt;
    }
    if (owner.words().published.load(std::memory_order_relaxed) > last_continued) {
        // Too few numbers are left, or the file is damaged. A new file starts at 1, and readers attach to it.
        owner.words().state.store(static_cast<std::uint32_t>(WriterState::Closed), std::memory_order_release);
        owner.wake_readers();
        platform::unlink_file(path);
        return std::nullopt;
    }
    owner.end_ = std::make_unique<platform::own_files::Notice>(tell_of_end, owner.mapping_.data());
    platform::own_files::adopt(path, file);
    platform::set_permissions(file, control_permissions(options));
    NDSHARRAY_FAULT_POINT(ControlPermissionsSet);
    owner.took_over_ = true;
    owner.announce(0, {});
    owner.start(options);
    owner.wake_readers();
    NDSHARRAY_FAULT_POINT(ControlTakenOver);
    return owner;
}

/// \returns whether the lock was free.
bool ControlOwner::hold(ProcessDescriptor file) {
    file_ = platform::status_of(file.file()).value_or(platform::FileStatus{});
    lock_ = std::move(file);
    return platform::try_lock(lock_.number(), layout::writer_lock_byte);
}

void ControlOwner::start(const WriterOptions& options) const noexcept {
    ControlFile& file = words();
    file.writer_pid.store(platform::own_pid(), std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(WriterPidStored);
    // The mark of a dead writer stays until its files of 1.x are removed, even if another process does that.
    file.options.store((options.backpressure ? layout::option_backpressure : 0) |
                           (options.compat || had_compat() ? layout::option_compat : 0),
                       std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(WriterOptionsStored);
    file.state.store(static_cast<std::uint32_t>(WriterState::Starting), std::memory_order_release);
    NDSHARRAY_FAULT_POINT(WriterStartingStored);
    // This comes after all fields that a reader reads when it sees a new epoch.
    file.epoch.fetch_add(1, std::memory_order_release);
    NDSHARRAY_FAULT_POINT(EpochBumped);
}

void ControlOwner::wake_readers() const noexcept {
    // Release: a reader that sees the new value sees all earlier changes.
    words().wake.fetch_add(1, std::memory_order_release);
    NDSHARRAY_FAULT_POINT(WakeBumped);
    platform::wake_shared(words().wake);
    NDSHARRAY_FAULT_POINT(ReadersWoken);
}

void ControlOwner::notify_watchers() const noexcept {
    // inotify reports write(2), but not a store in a mapping.
    const std::uint32_t next = words().announcements + 1;
    platform::write_at(lock_.number(), offsetof(ControlFile, announcements),
                       std::as_bytes(std::span(&next, 1)));
}

void ControlOwner::announce(std::uint32_t generation, const Id& segment) const noexcept {
    // A seqlock with `generation` as its sequence: 0 during the change of the id, and a new number after it.
    // Release, also at 0: a reader that finds no segment gives up the one it has. It must see all frames
    // there.
    ControlFile& file = words();
    file.generation.store(0, std::memory_order_release);
    NDSHARRAY_FAULT_POINT(GenerationCleared);
    std::atomic_thread_fence(std::memory_order_release);
    file.segment_id[0].store(segment.high, std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(SegmentIdHalfStored);
    file.segment_id[1].store(segment.low, std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(SegmentIdStored);
    if (generation != 0)
        file.last_generation.store(generation, std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(LastGenerationStored);
    file.generation.store(generation, std::memory_order_release);
    NDSHARRAY_FAULT_POINT(GenerationStored);
}

int ControlOwner::unlink(const TagFiles& files) const noexcept {
    return platform::unlink_file(files.control(), file_);
}

bool ControlOwner::is_current(const TagFiles& files) const noexcept {
    const auto named = platform::status_of(files.control());
    return named && named->same_file(file_);
}

std::optional<ControlView> ControlView::open(const TagFiles& files, const Owner& owner) {
    auto file = open_checked(files.control(), platform::Access::ReadOnly, owner);
    if (!file)
        return std::nullopt;
    ControlView view;
    view.mapping_ = map_checked(*file, platform::Access::ReadOnly, files.control());
    view.file_ = std::move(*file);
    view.instance_ = instance_of(view.words().preamble);
    if (layout::is_closed(view.state()))
        return std::nullopt;
    return view;
}

bool ControlView::is_cut() const noexcept {
    const auto status = platform::status_of(file_);
    return was_cut() || (status && status->bytes < sizeof(ControlFile));
}

bool ControlView::is_current(const TagFiles& files) const noexcept {
    return is_file_at(file_, files.control());
}

ControlView::Announcement ControlView::announcement() const noexcept {
    const ControlFile& file = words();
    const std::uint32_t before = file.generation.load(std::memory_order_acquire);
    const Id id{file.segment_id[0].load(std::memory_order_relaxed),
                file.segment_id[1].load(std::memory_order_relaxed)};
    std::atomic_thread_fence(std::memory_order_acquire);
    // Acquire: a change that is seen only here also tells the reader to give up its segment, see announce().
    const std::uint32_t after = file.generation.load(std::memory_order_acquire);
    return before == after ? Announcement{after, id} : Announcement{};
}

}  // namespace ndsharray
