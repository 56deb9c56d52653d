// SPDX-License-Identifier: BSD-3-Clause
// The reader table: the readers of a tag, the slots that they hold, and the frames that they expect next.
#include "protocol/reader_table.hpp"

#include "testing/faults.hpp"

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

namespace ndsharray {
namespace {

using layout::ReaderEntry;
using layout::ReaderTable;

/// Only users with write access (a write bit beside a read bit) may open the table. A user with read access
/// alone could take shared locks on all entries, and then no new reader would find a free one.
unsigned table_permissions(unsigned permissions) noexcept {
    const unsigned writable = permissions & 0222 & (permissions & 0444) >> 1;
    return 0600 | writable | writable << 1;
}

constexpr std::uint64_t bit_of(std::uint32_t index) noexcept {
    return std::uint64_t{1} << index;
}

/// Calls `visit(index)` for each bit that is set.
template <typename Visitor>
void for_each_bit(std::uint64_t bits, Visitor visit) {
    for (; bits != 0; bits &= bits - 1)
        visit(static_cast<std::uint32_t>(std::countr_zero(bits)));
}

void clear(ReaderEntry& entry) noexcept {
    // Release, as release(): a writer that sees 0, and not the release before it, knows that all reads are
    // done.
    entry.lease.store(0, std::memory_order_release);
    NDSHARRAY_FAULT_POINT(EntryLeaseCleared);
    // Relaxed: the next reader of this entry sets all fields before the entry becomes active.
    entry.flags.store(0, std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(EntryFlagsCleared);
    entry.cursor.store(0, std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(EntryCursorCleared);
    entry.pid.store(0, std::memory_order_relaxed);
    entry.joined.store(0, std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(EntryPidCleared);
}

platform::Mapping map_checked(const platform::Descriptor& file, const Id& instance, const std::string& path) {
    const auto status = platform::status_of(file);
    if (!status || status->bytes < sizeof(ReaderTable))
        throw Error(ErrorCode::Damaged, path + " is damaged: it is too short; restart the writer");
    platform::Mapping mapping = platform::Mapping::of(file, sizeof(ReaderTable), platform::Access::ReadWrite);
    if (!mapping)
        throw_errno(errno, "map", path);
    layout::Preamble preamble;
    std::memcpy(&preamble, mapping.data(), sizeof preamble);
    // The header is the table up to its entries.
    check_preamble(preamble, layout::table_magic, offsetof(ReaderTable, entries), path);
    const auto& table = *reinterpret_cast<const ReaderTable*>(mapping.data());
    if (instance_of(preamble) != instance || table.entry_count != max_readers ||
        table.entry_bytes != sizeof(ReaderEntry))
        throw Error(ErrorCode::Damaged, path +
                                            " is damaged: it does not belong to the tag's control file; "
                                            "restart the writer");
    return mapping;
}

void notify(ReaderTable& table) noexcept {
    table.released.fetch_add(1, std::memory_order_release);
    NDSHARRAY_FAULT_POINT(ReleasedBumped);
    platform::wake_shared(table.released);
    NDSHARRAY_FAULT_POINT(WriterWoken);
}

void notify_waiting(ReaderTable& table) noexcept {
    // The writer sets writer_waiting and then looks for a free slot. This side frees a slot and then reads
    // writer_waiting. With a full fence between the two steps, at least one side sees the other.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (table.writer_waiting.load(std::memory_order_relaxed) != 0)
        notify(table);
}

}  // namespace

// ---- the writer's side

std::shared_ptr<TableOwner> TableOwner::create(const TagFiles& files, const Id& instance,
                                               unsigned permissions) {
    const std::string temporary = files.temporary();
    NDSHARRAY_FAULT_POINT(TableToBeMade);
    platform::Opened made = platform::create_new(temporary, table_permissions(permissions));
    if (made.error != 0)
        throw_errno(made.error, "create", temporary);
    NDSHARRAY_FAULT_POINT(TableCreated);
    RemoveAtEnd undo(temporary);
    reserve_or_throw(made.file, sizeof(ReaderTable), files.readers());
    NDSHARRAY_FAULT_POINT(TableReserved);
    platform::Mapping mapping =
        platform::Mapping::of(made.file, sizeof(ReaderTable), platform::Access::ReadWrite);
    if (!mapping)
        throw_errno(errno, "map", files.readers());
    auto* words = new (mapping.data()) ReaderTable{};
    words->preamble = make_preamble(layout::table_magic, offsetof(ReaderTable, entries), instance);
    words->entry_count = max_readers;
    words->entry_bytes = sizeof(ReaderEntry);
    NDSHARRAY_FAULT_POINT(TableWritten);

    auto to_lock = open_to_lock(made.file, temporary);
    if (!to_lock)
        throw_errno(ENOENT, "open", temporary);
    std::shared_ptr<TableOwner> owner(new TableOwner);  // not complete yet
    if (const int error = platform::rename_file(temporary, files.readers()); error != 0)
        throw_errno(error, "create", files.readers());
    NDSHARRAY_FAULT_POINT(TableInPlace);
    undo.keep();
    owner->adopt(std::move(made.file), std::move(*to_lock), std::move(mapping));
    return owner;
}

std::shared_ptr<TableOwner> TableOwner::open(const TagFiles& files, const Id& instance,
                                             unsigned permissions) try {
    auto file = open_checked(files.readers(), platform::Access::ReadWrite, Owner::self());
    const auto status = file ? platform::status_of(*file) : std::nullopt;
    if (!status)
        return nullptr;
    // A process that lost the permission may still have it open.
    if ((status->permissions & ~table_permissions(permissions)) != 0)
        return nullptr;
    platform::Mapping mapping = map_checked(*file, instance, files.readers());
    auto to_lock = open_to_lock(*file, files.readers());
    if (!to_lock)
        return nullptr;
    platform::own_files::adopt(files.readers(), *file);
    platform::set_permissions(*file, table_permissions(permissions));
    NDSHARRAY_FAULT_POINT(TablePermissionsSet);
    std::shared_ptr<TableOwner> owner(new TableOwner);
    owner->adopt(std::move(*file), std::move(*to_lock), std::move(mapping));
    // The dead writer may have waited. Without this, readers would make a system call for each released
    // frame.
    owner->words().writer_waiting.store(0, std::memory_order_relaxed);
    return owner;
} catch (const Error&) {
    return nullptr;  // the caller makes a new one
}

void TableOwner::adopt(platform::Descriptor file, ProcessDescriptor to_lock, platform::Mapping mapping) {
    file_ = std::move(file);
    lock_ = std::move(to_lock);
    mapping_ = std::move(mapping);
}

bool TableOwner::is_cut() noexcept {
    const auto status = platform::status_of(file_);
    if (status && status->bytes < sizeof(ReaderTable))
        cut_.store(true, std::memory_order_relaxed);  // a flag by itself; it publishes nothing else
    return was_cut();
}

bool TableOwner::is_current(const TagFiles& files) const noexcept {
    const auto mine = platform::status_of(file_);
    const auto named = platform::status_of(files.readers());
    return mine && named && named->same_file(*mine);
}

void TableOwner::unlink(const TagFiles& files) const noexcept {
    if (const auto mine = platform::status_of(file_))
        platform::unlink_file(files.readers(), *mine);
}

unsigned TableOwner::reclaim_dead() noexcept {
    const std::lock_guard guard(reclaiming_);
    unsigned count = 0;
    for_each_bit(words().active.load(std::memory_order_acquire), [&](std::uint32_t index) {
        // This is a shared lock, because a process with read access alone could hold a shared lock on the
        // byte, and must not keep a dead reader's leases. Under this lock, no new reader can take the entry.
        if (!platform::try_lock_shared(lock_.number(), index))
            return;
        NDSHARRAY_FAULT_POINT(DeadReaderLocked);
        clear(words().entries[index]);
        NDSHARRAY_FAULT_POINT(DeadReaderCleared);
        words().active.fetch_and(~bit_of(index), std::memory_order_release);
        NDSHARRAY_FAULT_POINT(DeadReaderInactive);
        platform::unlock(lock_.number(), index);
        NDSHARRAY_FAULT_POINT(DeadReaderUnlocked);
        ++count;
    });
    reclaimed_.fetch_add(count, std::memory_order_relaxed);
    if (count > 0)
        notify_waiting(words());
    return count;
}

unsigned TableOwner::count_live() const noexcept {
    unsigned count = 0;
    for_each_bit(words().active.load(std::memory_order_acquire),
                 [&](std::uint32_t index) { count += platform::is_locked(lock_.number(), index) ? 1 : 0; });
    return count;
}

LiveReaders TableOwner::live() const noexcept {
    LiveReaders readers{};
    for_each_bit(words().active.load(std::memory_order_acquire), [&](std::uint32_t index) {
        // Relaxed: only for display, and the acquire above covers an announced entry.
        const ReaderEntry& entry = words().entries[index];
        if (platform::is_locked(lock_.number(), index))
            readers[index] = {entry.pid.load(std::memory_order_relaxed),
                              entry.joined.load(std::memory_order_relaxed)};
    });
    return readers;
}

void TableOwner::notify_if_waiting() const noexcept {
    notify_waiting(words());
}

// ---- a reader's side

std::shared_ptr<ReaderSession> ReaderSession::open(const TagFiles& files, const Id& instance,
                                                   const Owner& owner) {
    NDSHARRAY_FAULT_POINT(ReaderToJoin);
    std::optional<platform::Descriptor> file;
    try {
        file = open_checked(files.readers(), platform::Access::ReadWrite, owner);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::PermissionDenied)
            return nullptr;
        throw;
    }
    if (!file)
        throw Error(ErrorCode::Damaged, files.readers() + " is missing; restart the writer");
    std::shared_ptr<ReaderSession> session(new ReaderSession);
    session->made_under_ = fork_count();
    session->mapping_ = map_checked(*file, instance, files.readers());
    auto to_lock = open_to_lock(*file, files.readers());
    if (!to_lock)
        throw Error(ErrorCode::Damaged, files.readers() + " was replaced; restart the writer");
    session->lock_ = std::move(*to_lock);
    return session;
}

bool ReaderSession::join(const ReaderOptions& options, std::uint64_t next) noexcept {
    // First the unused entries, then those of dead readers.
    const std::uint64_t active = table().active.load(std::memory_order_relaxed);
    if (!take_entry(~active) && !take_entry(active))
        return false;
    NDSHARRAY_FAULT_POINT(EntryLocked);
    announce(options, next);
    // A watch on the file reports write(2), but not a store in a mapping.
    const std::uint32_t attached = table().attaches + 1;
    platform::write_at(lock_.file(), offsetof(ReaderTable, attaches), std::as_bytes(std::span(&attached, 1)));
    NDSHARRAY_FAULT_POINT(AttachesBumped);
    return true;
}

bool ReaderSession::may_join() const noexcept {
    return is_own() && ~table().active.load(std::memory_order_relaxed) != 0;
}

bool ReaderSession::take_entry(std::uint64_t candidates) noexcept {
    for (; candidates != 0; candidates &= candidates - 1) {
        const auto index = static_cast<std::uint32_t>(std::countr_zero(candidates));
        if (platform::try_lock(lock_.number(), index)) {
            index_ = index;
            return true;
        }
    }
    return false;
}

void ReaderSession::announce(const ReaderOptions& options, std::uint64_t next) noexcept {
    clear(entry());
    entry().frames.store(0, std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(EntryFramesCleared);
    entry().missed.store(0, std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(EntryMissedCleared);
    entry().copied.store(0, std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(EntryCopiedCleared);
    entry().latency.store(0, std::memory_order_relaxed);
    entry().pid.store(platform::own_pid(), std::memory_order_relaxed);
    entry().joined.store(platform::monotonic_now(), std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(EntryPidStored);
    entry().cursor.store(next, std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(EntryCursorStored);
    entry().quota.store(options.max_leases, std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(EntryQuotaStored);
    entry().flags.store(options.mode == ReadMode::Every ? layout::reader_every : 0,
                        std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(EntryFlagsStored);
    // Release: a writer that sees the bit sees the entry. The fence before each lease makes the bit visible
    // in time (slots.hpp).
    table().active.fetch_or(bit_of(index_), std::memory_order_release);
    NDSHARRAY_FAULT_POINT(EntryActive);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    notify(table());
}

void ReaderSession::notify_released() const noexcept {
    notify_waiting(table());
}

void ReaderSession::suspend(bool suspended) const noexcept {
    // Only this process stores the flags. Relaxed, because a reader checks each frame anyway.
    if (suspended) {
        entry().flags.fetch_or(layout::reader_suspended, std::memory_order_relaxed);
        NDSHARRAY_FAULT_POINT(SuspendedStored);
    } else {
        entry().flags.fetch_and(~layout::reader_suspended, std::memory_order_relaxed);
        NDSHARRAY_FAULT_POINT(ResumedStored);
    }
    notify_released();
}

void ReaderSession::retire() const noexcept {
    entry().flags.store(0, std::memory_order_relaxed);
    NDSHARRAY_FAULT_POINT(ReaderRetired);
    notify_released();
}

ReaderSession::~ReaderSession() {
    if (index_ >= max_readers || !is_own())
        return;
    clear(entry());
    table().active.fetch_and(~bit_of(index_), std::memory_order_release);
    NDSHARRAY_FAULT_POINT(EntryInactive);
    lock_.close();
    NDSHARRAY_FAULT_POINT(EntryUnlocked);
    notify(table());
    NDSHARRAY_FAULT_POINT(ReaderLeft);
}

}  // namespace ndsharray
