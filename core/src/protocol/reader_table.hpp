// SPDX-License-Identifier: BSD-3-Clause
// The reader table: the readers of a tag, the slots that they hold, and the frames that they expect next.
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

/// A reader as its entry in the table describes it. The reader itself writes the entry, so this is only for
/// display.
struct LiveReader {
    std::uint32_t pid = 0;    // 0: no reader, or a reader that is just attaching
    std::int64_t joined = 0;  // distinguishes readers that have had the same entry
    bool operator==(const LiveReader&) const = default;
};

/// One for each entry of the table.
using LiveReaders = std::array<LiveReader, max_readers>;

/// The writer's side of the table.
class TableOwner {
  public:
    /// Makes a new table, in the place of a dead writer's table.
    /// \throws Error NoSpace, TooManyFiles, OutOfMemory, PermissionDenied, System.
    static std::shared_ptr<TableOwner> create(const TagFiles& files, const Id& instance,
                                              unsigned permissions);

    /// Opens the table of a tag that was taken over. Nothing if it is missing or unusable, or if more users
    /// could open it than these permissions allow.
    static std::shared_ptr<TableOwner> open(const TagFiles& files, const Id& instance, unsigned permissions);

    layout::ReaderTable& words() const noexcept {
        return *reinterpret_cast<layout::ReaderTable*>(mapping_.data());
    }
    const platform::Descriptor& file() const noexcept { return file_; }

    /// Whether a reader made the file shorter. was_cut() returns what is known. is_cut() looks at the file,
    /// which is a system call.
    bool was_cut() const noexcept { return cut_.load(std::memory_order_relaxed) || mapping_.was_cut(); }
    bool is_cut() noexcept;

    /// Whether the table's name still leads to this file. A system call.
    bool is_current(const TagFiles& files) const noexcept;

    /// Removes the name if it still leads to this file.
    void unlink(const TagFiles& files) const noexcept;

    /// Clears the entries of dead readers. \returns their number.
    unsigned reclaim_dead() noexcept;

    /// Number of entries that were cleared in all.
    std::uint64_t reclaimed() const noexcept { return reclaimed_.load(std::memory_order_relaxed); }

    /// Number of attached living readers. One system call for each.
    unsigned count_live() const noexcept;

    /// The attached living readers. One system call for each.
    LiveReaders live() const noexcept;

    /// Wakes threads of this process that wait for slots. Call it after the store that releases.
    void notify_if_waiting() const noexcept;

  private:
    TableOwner() = default;
    void adopt(platform::Descriptor file, ProcessDescriptor to_lock, platform::Mapping mapping);

    std::atomic<std::uint64_t> reclaimed_{0};
    std::atomic<bool> cut_{false};
    std::mutex reclaiming_;  // two threads share the file description, and so do not see each other's locks
    platform::Descriptor file_;
    ProcessDescriptor lock_;
    platform::Mapping mapping_;
};

/// A reader's entry in the table. The entry is alive as long as this object. The Reader and each Frame keep
/// it.
class ReaderSession {
  public:
    /// Opens the table, without an entry yet. Nothing if this process may not write it: such a reader copies.
    /// \throws Error as open_checked(), and Damaged, UnsupportedVersion, OutOfMemory.
    static std::shared_ptr<ReaderSession> open(const TagFiles& files, const Id& instance, const Owner& owner);

    /// Takes an entry.
    /// \returns false if the table is full. Such a reader copies, and may try again.
    /// \param next the first frame that an `Every` reader expects.
    bool join(const ReaderOptions& options, std::uint64_t next) noexcept;

    /// Whether an entry seems to be free. A load.
    bool may_join() const noexcept;
    ~ReaderSession();
    ReaderSession(const ReaderSession&) = delete;
    ReaderSession& operator=(const ReaderSession&) = delete;

    layout::ReaderEntry& entry() const noexcept { return table().entries[index_]; }
    layout::ReaderTable& table() const noexcept {
        return *reinterpret_cast<layout::ReaderTable*>(mapping_.data());
    }

    /// Whether the file was made shorter. is_cut() looks at the end of the file first.
    bool was_cut() const noexcept { return mapping_.was_cut(); }
    bool is_cut() const noexcept { return mapping_.is_cut(); }

    /// Whether this process took the entry, and not its parent.
    bool is_own() const noexcept { return made_under_ == fork_count(); }

    /// Wakes a writer that waits for readers to release slots. Call it after the store that releases.
    void notify_released() const noexcept;

    /// While suspended, the writer does not wait for this reader.
    void suspend(bool suspended) const noexcept;

    /// Number of frames that are held under a lease, of all generations.
    unsigned held_frames() const noexcept { return held_frames_.load(std::memory_order_relaxed); }
    void hold_frame() noexcept { held_frames_.fetch_add(1, std::memory_order_relaxed); }
    void release_frame() noexcept {
        held_frames_.fetch_sub(1, std::memory_order_relaxed);
        notify_released();
    }

    /// Gives up the cursor for ever: the Reader is gone, and only its frames are left.
    void retire() const noexcept;

  private:
    ReaderSession() = default;
    bool take_entry(std::uint64_t candidates) noexcept;
    void announce(const ReaderOptions& options, std::uint64_t next) noexcept;

    ProcessDescriptor lock_;
    platform::Mapping mapping_;
    std::uint32_t index_ = max_readers;
    std::uint32_t made_under_ = 0;
    std::atomic<unsigned> held_frames_{0};
};

}  // namespace ndsharray
