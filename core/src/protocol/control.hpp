// SPDX-License-Identifier: BSD-3-Clause
// The control file: who has the tag, and which segment is current.
#pragma once

#include "platform/platform.hpp"
#include "process/fork_guard.hpp"
#include "protocol/files.hpp"
#include "protocol/layout.hpp"

#include <ndsharray/writer.hpp>

#include <optional>

namespace ndsharray {

/// The writer's hold on a tag: the lock on its control file, and the file itself.
class ControlOwner {
  public:
    /// Makes the file, or takes a dead writer's over. A file left by a close that was cut short, or one
    /// whose reader table is unusable, is replaced by a new one.
    /// \throws Error TagInUse, and as open_checked().
    static ControlOwner take(const TagFiles& files, const WriterOptions& options);

    ControlOwner(ControlOwner&&) noexcept = default;
    ControlOwner& operator=(ControlOwner&&) noexcept = default;

    layout::ControlFile& words() const noexcept {
        return *reinterpret_cast<layout::ControlFile*>(mapping_.data());
    }
    Id instance() const noexcept { return instance_of(words().preamble); }
    bool was_cut() const noexcept { return mapping_.was_cut(); }

    /// Whether a dead writer's file (and so its reader table) was taken over.
    bool took_over() const noexcept { return took_over_; }

    /// Whether a dead writer may have left files beside the control file. If it was made new, only where
    /// there is a reader table: writers make it after their control file, and segments after that.
    bool may_have_leftovers(const TagFiles& files) const noexcept {
        return !is_first_ || platform::status_of(files.readers());
    }

    /// Whether a writer of this file, dead or living, made files in the layout of 1.x.
    bool had_compat() const noexcept {
        return (words().options.load(std::memory_order_relaxed) & layout::option_compat) != 0;
    }

    /// Tells readers that something in the file changed.
    void wake_readers() const noexcept;

    /// Tells who watches the directory that the state or the segment changed. A system call, so not for
    /// frames.
    void notify_watchers() const noexcept;

    /// Points readers to a segment; generation 0 and any id: to none.
    void announce(std::uint32_t generation, const Id& segment) const noexcept;

    const platform::Descriptor& file() const noexcept { return lock_.file(); }

    /// Whether the tag's name leads to this file still. A system call.
    bool is_current(const TagFiles& files) const noexcept;

    /// Removes the file's name, if it still is this file's. Keeps the lock.
    void unlink(const TagFiles& files) const noexcept;

    /// Lets go of the tag: another writer may take it.
    void release() noexcept { lock_.close(); }

    /// Which file this is, whatever its name leads to.
    const platform::FileStatus& identity() const noexcept { return file_; }

  private:
    ControlOwner() = default;
    static std::optional<ControlOwner> create(const TagFiles& files, const WriterOptions& options);
    static std::optional<ControlOwner> take_existing(const TagFiles& files, const WriterOptions& options,
                                                     platform::Descriptor file,
                                                     const platform::Deadline& in_use_after);
    bool hold(ProcessDescriptor file);
    void start(const WriterOptions& options) const noexcept;

    ProcessDescriptor lock_;
    platform::FileStatus file_;
    platform::Mapping mapping_;
    bool took_over_ = false;
    bool is_first_ = false;  // no file of another writer was seen
};

/// A reader's view of a control file.
class ControlView {
  public:
    /// Nothing if there is none, or only one whose writer is leaving.
    /// \throws Error as open_checked(), and Damaged, UnsupportedVersion, OutOfMemory.
    static std::optional<ControlView> open(const TagFiles& files, const Owner& owner);

    const layout::ControlFile& words() const noexcept {
        return *reinterpret_cast<const layout::ControlFile*>(mapping_.data());
    }
    const platform::Descriptor& file() const noexcept { return file_; }
    const Id& instance() const noexcept { return instance_; }
    layout::WriterState state() const noexcept {
        return static_cast<layout::WriterState>(words().state.load(std::memory_order_acquire));
    }

    /// Whether somebody made the file shorter: as far as is known, and after a look (a system call).
    bool was_cut() const noexcept { return mapping_.was_cut(); }
    bool is_cut() const noexcept;

    /// Whether a living writer holds the lock. A system call.
    bool writer_lives() const noexcept { return platform::is_locked(file_.number(), 0); }

    /// Whether the tag's name leads to this very file still. A system call.
    bool is_current(const TagFiles& files) const noexcept;

    struct Announcement {
        std::uint32_t generation = 0;  // 0: there is no segment now
        Id segment;
    };
    Announcement announcement() const noexcept;

  private:
    ControlView() = default;

    platform::Descriptor file_;
    platform::Mapping mapping_;
    Id instance_;
};

}  // namespace ndsharray
