// SPDX-License-Identifier: BSD-3-Clause
// The reader table: who reads a tag, which slots they hold, and which frame they want next.
#pragma once

#include "platform/platform.hpp"
#include "process/fork_guard.hpp"
#include "protocol/files.hpp"
#include "protocol/layout.hpp"

#include <ndsharray/reader.hpp>
#include <ndsharray/writer.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace ndsharray {

/// A reader as its entry in the table tells it. Readers write that themselves: for people only.
struct LiveReader {
    std::uint32_t pid = 0;    // 0: nobody, or somebody who is just coming
    std::int64_t joined = 0;  // tells two readers apart that had the same entry, one after the other
    bool operator==(const LiveReader&) const = default;
};

/// One for each entry of the table.
using LiveReaders = std::array<LiveReader, max_readers>;

/// The writer's side of the table.
class TableOwner {
  public:
    /// Makes a new table, replacing what a dead writer left.
    /// \throws Error NoSpace, TooManyFiles, OutOfMemory, PermissionDenied, System.
    static std::shared_ptr<TableOwner> create(const TagFiles& files, const Id& instance,
                                              unsigned permissions);

    /// Opens the table of a tag that was taken over; nothing if it is missing or not usable, or was open to
    /// more users than these permissions are for.
    static std::shared_ptr<TableOwner> open(const TagFiles& files, const Id& instance, unsigned permissions);

    layout::ReaderTable& words() const noexcept {
        return *reinterpret_cast<layout::ReaderTable*>(mapping_.data());
    }
    const platform::Descriptor& file() const noexcept { return file_; }

    /// Whether a reader made the file shorter: as far as is known, and after a look (a system call).
    bool was_cut() const noexcept { return cut_.load(std::memory_order_relaxed) || mapping_.was_cut(); }
    bool is_cut() noexcept;

    /// Whether the table's name leads to this file still. A system call.
    bool is_current(const TagFiles& files) const noexcept;

    /// Removes the file's name, if it still is this file's.
    void unlink(const TagFiles& files) const noexcept;

    /// Clears the entries of readers that died. \returns how many.
    unsigned reclaim_dead() noexcept;

    /// How many it was in all.
    std::uint64_t reclaimed() const noexcept { return reclaimed_.load(std::memory_order_relaxed); }

    /// How many readers are attached and alive. A system call for each.
    unsigned count_live() const noexcept;

    /// Who they are. A system call for each.
    LiveReaders live() const noexcept;

    /// Wakes threads of this process that wait for slots. Call after the store that lets go.
    void notify_if_waiting() const noexcept;

  private:
    TableOwner() = default;
    void adopt(platform::Descriptor file, ProcessDescriptor to_lock, platform::Mapping mapping);

    std::atomic<std::uint64_t> reclaimed_{0};
    std::atomic<bool> cut_{false};
    std::mutex reclaiming_;  // two threads would not see each other's locks: they share the description
    platform::Descriptor file_;
    ProcessDescriptor lock_;
    platform::Mapping mapping_;
};

/// A reader's entry in the table, alive as long as this object: kept by the Reader and by each Frame.
class ReaderSession {
  public:
    /// Comes to the table, without an entry yet. Nothing if this process may not write it: such a reader
    /// copies.
    /// \throws Error as open_checked(), and Damaged, UnsupportedVersion, OutOfMemory.
    static std::shared_ptr<ReaderSession> open(const TagFiles& files, const Id& instance, const Owner& owner);

    /// Takes an entry. \returns false if the table is full: such a reader copies, and may try again.
    /// \param next the first frame an `Every` reader wants.
    bool join(ReadMode mode, std::uint64_t next) noexcept;

    /// Whether an entry seems to be free. A load.
    bool may_join() const noexcept;
    ~ReaderSession();
    ReaderSession(const ReaderSession&) = delete;
    ReaderSession& operator=(const ReaderSession&) = delete;

    layout::ReaderEntry& entry() const noexcept { return table().entries[index_]; }
    layout::ReaderTable& table() const noexcept {
        return *reinterpret_cast<layout::ReaderTable*>(mapping_.data());
    }

    /// Whether somebody made the file shorter; the second after a look at its end.
    bool was_cut() const noexcept { return mapping_.was_cut(); }
    bool is_cut() const noexcept { return mapping_.is_cut(); }

    /// Whether this process took the entry itself, not its parent.
    bool is_own() const noexcept { return made_under_ == fork_count(); }

    /// Wakes a writer that waits for readers to let go. Call after the store that lets go.
    void notify_released() const noexcept;

    /// Stops (or goes on) holding the writer back.
    void suspend(bool suspended) const noexcept;

    /// Counts the frames that are out under a lease, of whatever generation.
    unsigned held_frames() const noexcept { return held_frames_.load(std::memory_order_relaxed); }
    void hold_frame() noexcept { held_frames_.fetch_add(1, std::memory_order_relaxed); }
    void release_frame() noexcept {
        held_frames_.fetch_sub(1, std::memory_order_relaxed);
        notify_released();
    }

    /// Gives up the cursor for good: the Reader is gone, only its frames are left.
    void retire() const noexcept;

  private:
    ReaderSession() = default;
    bool take_entry(std::uint64_t candidates) noexcept;
    void announce(ReadMode mode, std::uint64_t next) noexcept;

    ProcessDescriptor lock_;
    platform::Mapping mapping_;
    std::uint32_t index_ = max_readers;
    std::uint32_t made_under_ = 0;
    std::atomic<unsigned> held_frames_{0};
};

}  // namespace ndsharray
