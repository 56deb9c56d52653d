// SPDX-License-Identifier: BSD-3-Clause
// A reader's attachment to one control file: its entry in the reader table, and the search for frames.
#pragma once

#include "process/file_watcher.hpp"
#include "protocol/control.hpp"
#include "protocol/reader_table.hpp"
#include "protocol/slots.hpp"
#include "reader/leased_segment.hpp"

#include <ndsharray/reader.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace ndsharray {

/// All functions except suspend() are for the thread that reads.
class Attachment {
  public:
    /// The first three arguments must outlive the Attachment. It has no entry in the reader table yet.
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

    /// Ignores the present or last writer of the file: only a later writer is new.
    void pass_over_writer() noexcept;

    /// Treats the present writer of the file as new. meet_writer() accepts it when it has opened the tag.
    void await_writer() noexcept { epoch_.reset(); }

    /// Ends the time of the writer that was met: no more of its frames are expected.
    void lose_writer() noexcept;

    /// Whether there is a new writer, or was one since, that opened the tag.
    bool has_new_writer() const noexcept { return was_taken_over() && has_opened(); }

    /// Expects the frames of the new writer from now on. \returns false if there is none.
    bool meet_writer() noexcept;

    /// Whether the file was taken over since a writer was met or passed over. The new owner need not be a
    /// writer that opens the tag: the removal of a dead writer's files takes the file over, too.
    bool was_taken_over() const noexcept;

    bool has_joined() const noexcept { return joined_; }

    /// Takes an entry in the reader table. Does nothing if the writer is leaving or is being succeeded,
    /// because the table is then removed.
    /// \throws Error as ReaderSession::open.
    void join();

    /// Any thread.
    void suspend(bool suspended);

    /// Retires the entry, so that the writer does not wait for it. Frames stay leased.
    void leave() noexcept;

    /// Returns the next frame, or nothing if there is none now. advance_past() counts it.
    /// \throws Error as Segment::open; std::bad_alloc.
    std::optional<Frame> take();

    /// Number of frames that were missed before this one.
    std::uint64_t missed_before(const Frame& frame) const noexcept;

    /// Expects the frames after this one, and writes the counters to the reader table.
    void advance_past(const Frame& frame, const ReaderStats& counted) noexcept;

    /// Checks that no file was cut while a frame was read from it. To be called before the frame is returned.
    /// \throws Error Damaged, naming the file.
    void require_whole_files() const;

    /// The same if there is no frame. Reads the ends of the files first; this costs a few loads.
    void look_for_cuts();

    /// The segment that was read last; nullptr before the first, and while there is none.
    const detail::LeasedSegment* source() const noexcept { return source_.get(); }

    /// \returns whether this is the first call since the last frame, or since the writer was met.
    bool report_end() noexcept { return !std::exchange(end_reported_, true); }

  private:
    bool has_opened() const noexcept;
    bool writer_stays() const noexcept;
    void settle();
    void join_late();
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
    bool settled_ = false;  // all frames from wanted_ on are present
    bool end_reported_ = false;
    std::optional<std::uint32_t> epoch_;            // of the writer that was met or passed over
    std::uint64_t published_before_ = 0;            // frames when the last writer was lost or passed over
    std::uint64_t wanted_ = 1;                      // number of the frame that is expected
    std::uint64_t missed_from_ = 1;                 // older frames were published before the reader joined
    std::shared_ptr<ReaderSession> without_entry_;  // when the table was full
    std::chrono::steady_clock::time_point join_again_;

    std::mutex mutex_;                        // of this process only; guards the next two for suspend()
    std::shared_ptr<ReaderSession> session_;  // nullptr: copy mode, or not joined yet
    bool suspended_;

    FileWatcher::Watch death_watch_;
};

}  // namespace ndsharray
