// SPDX-License-Identifier: BSD-3-Clause
// A reader's attachment to one control file: its place in the reader table, and the frames it finds.
#pragma once

#include "process/file_watcher.hpp"
#include "protocol/control.hpp"
#include "protocol/reader_table.hpp"
#include "protocol/slots.hpp"
#include "reader/leased_segment.hpp"

#include <ndsharray/reader.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace ndsharray {

/// For the thread that reads, except suspend().
class Attachment {
  public:
    /// The first three must outlive this. Nothing is joined yet.
    Attachment(const TagFiles& files, const Owner& owner, const ReaderOptions& options, ControlView control,
               bool suspended)
        : files_(files),
          owner_(owner),
          options_(options),
          control_(std::move(control)),
          suspended_(suspended) {}

    const ControlView& control() const noexcept { return control_; }

    /// Calls back when the writer may have died.
    void watch_death(std::function<void()> callback) {
        death_watch_ = FileWatcher::file(control_.file(), std::move(callback));
    }
    bool is_watched() const noexcept { return static_cast<bool>(death_watch_); }

    /// The file's present writer, or its last one, is not one that is to be met.
    void pass_over_writer() noexcept;

    /// The file's present writer is to be met once it has opened the tag.
    void await_writer() noexcept { epoch_.reset(); }

    /// Nothing more is to be found of the writer that was met.
    void lose_writer() noexcept;

    /// Whether there is, or was, a writer that is still to be met.
    bool has_new_writer() const noexcept { return was_taken_over() && has_opened(); }

    /// What is to be found from now on is that writer's. \returns false if there is none after all.
    bool meet_writer() noexcept;

    /// Whether there is, or was, another writer of the file than the one that was met or passed over. It need
    /// not be one that opens the tag: who removes what a dead writer left takes the file over as well.
    bool was_taken_over() const noexcept;

    bool has_joined() const noexcept { return joined_; }

    /// Comes to the table. Not now, if the writer is leaving or being succeeded: then the table goes with it.
    /// \throws Error as ReaderSession::join.
    void join();

    /// Any thread.
    void suspend(bool suspended);

    /// Gives up what holds the writer back: only frames are left.
    void leave() noexcept;

    /// The next frame, or nothing if there is none now. It counts only with advance_past().
    /// \throws Error as Segment::open; std::bad_alloc.
    std::optional<Frame> take();

    /// Frames lost between the last one and this.
    std::uint64_t missed_before(const Frame& frame) const noexcept;

    /// Goes on after this frame, and shows in the table what was counted.
    void advance_past(const Frame& frame, const ReaderStats& counted) noexcept;

    /// Before a frame is handed out: nothing of it was read from a file that had been cut.
    /// \throws Error Damaged, naming the file.
    void require_whole_files() const;

    /// The same where there is no frame, after a look at the ends of the files: a few loads.
    void look_for_cuts();

    /// The layout last read from; nothing before the first and where there is none.
    const detail::LeasedSegment* source() const noexcept { return source_.get(); }

    /// \returns whether this is the first time since the last frame, or since the writer was met.
    bool report_end() noexcept { return !std::exchange(end_reported_, true); }

  private:
    bool has_opened() const noexcept;
    bool writer_stays() const noexcept;
    void settle();
    void move_to(const ControlView::Announcement& announcement);
    std::optional<Frame> next_frame();
    bool is_announced(const Segment& segment) const noexcept;
    bool let_go_of_holes() noexcept;

    const TagFiles& files_;
    const Owner& owner_;
    const ReaderOptions& options_;
    ControlView control_;
    std::shared_ptr<detail::LeasedSegment> source_;
    bool joined_ = false;
    bool settled_ = false;  // wanted_ is a frame from which on all are there
    bool end_reported_ = false;
    std::optional<std::uint32_t> epoch_;  // of the writer that was met, or passed over
    std::uint64_t published_before_ = 0;  // when the last writer was lost, or passed over
    std::uint64_t wanted_ = 1;            // number of the next frame
    std::uint64_t missed_from_ = 1;       // older ones were published before it joined

    std::mutex mutex_;  // of this process only; guards what follows where other threads look
    std::shared_ptr<ReaderSession> session_;  // none: copy mode, or not joined yet
    bool suspended_;

    FileWatcher::Watch death_watch_;
};

}  // namespace ndsharray
