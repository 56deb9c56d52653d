// SPDX-License-Identifier: BSD-3-Clause
// The control file: it names the writer that has the tag, and the segment that is announced.
#pragma once

#include "platform/platform.hpp"
#include "process/fork_guard.hpp"
#include "protocol/files.hpp"
#include "protocol/layout.hpp"

#include <ndsharray/writer.hpp>

#include <memory>
#include <optional>

namespace ndsharray {

/// The writer's hold on a tag: the lock on its control file, and the file itself.
class ControlOwner {
  public:
    /// Makes the file, or takes over the file of a dead writer. The file is replaced if its writer died while
    /// it closed the tag, or if the reader table is unusable.
    /// \throws Error TagInUse, and as open_checked().
    static ControlOwner take(const TagFiles& files, const WriterOptions& options);

    ControlOwner(ControlOwner&&) noexcept = default;
    ControlOwner& operator=(ControlOwner&& other) noexcept;

    layout::ControlFile& words() const noexcept {
        return *reinterpret_cast<layout::ControlFile*>(mapping_.data());
    }
    Id instance() const noexcept { return instance_of(words().preamble); }
    bool was_cut() const noexcept { return mapping_.was_cut(); }

    /// Whether a dead writer's file (and so its reader table) was taken over.
    bool took_over() const noexcept { return took_over_; }

    /// Whether a dead writer may have left files beside the control file. With a new control file, this is so
    /// only if there is a reader table: writers make the control file first, then the table, then segments.
    bool may_have_leftovers(const TagFiles& files) const noexcept {
        return !is_first_ || platform::status_of(files.readers());
    }

    /// Whether a writer of this file made files in the layout of 1.x. The writer may be dead.
    bool had_compat() const noexcept {
        return (words().options.load(std::memory_order_relaxed) & layout::option_compat) != 0;
    }

    /// Tells readers that something in the file changed.
    void wake_readers() const noexcept;

    /// Tells watchers of the directory that the state or the segment changed. This is a system call, so it is
    /// not done for frames.
    void notify_watchers() const noexcept;

    /// Announces a segment to readers. Generation 0, with any id, means no segment.
    void announce(std::uint32_t generation, const Id& segment) const noexcept;

    const platform::Descriptor& file() const noexcept { return lock_.file(); }

    /// Whether the tag's name still leads to this file. A system call.
    bool is_current(const TagFiles& files) const noexcept;

    /// Whether the tag is closed and its files are removed, because a signal was about to end the process.
    bool was_ended() const noexcept { return end_ && end_->was_given(); }

    /// Removes the name if it still leads to this file. Keeps the lock. \returns 0 or an errno.
    int unlink(const TagFiles& files) const noexcept;

    /// Releases the tag. Another writer may take it.
    void release() noexcept { lock_.close(); }

    /// The identity of this file, even if the name leads to another one.
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
    bool is_first_ = false;                             // no file of another writer was seen
    std::unique_ptr<platform::own_files::Notice> end_;  // of a signal, to the readers
};

/// A reader's view of a control file.
class ControlView {
  public:
    /// Opens the file. Nothing if there is no file, or if its writer is leaving.
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

    /// Whether the file was made shorter. was_cut() returns what is known. is_cut() looks at the file, which
    /// is a system call.
    bool was_cut() const noexcept { return mapping_.was_cut(); }
    bool is_cut() const noexcept;

    /// Whether a living writer holds the lock. A system call.
    bool writer_lives() const noexcept { return platform::is_locked(file_.number(), 0); }

    /// Whether the tag's name still leads to this very file. A system call.
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
