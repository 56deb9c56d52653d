// SPDX-License-Identifier: BSD-3-Clause
// A reader's attachment to one control file: its entry in the reader table, and the search for frames.
#pragma once

#include "process/file_watcher.hpp"
#include "protocol/control.hpp"
#include "protocol/reader_table.hpp"
#include "protocol/slots.hpp"
#include "reader/leased_segment.hpp"

#include <ndsharray/reader.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace ndsharray {

/// Counts the frames that a Reader delivered, of all writers. The reading thread adds, any thread may look.
struct DeliveryCounts {
    std::atomic<std::uint64_t> frames{0};
    std::atomic<std::uint64_t> missed{0};
    std::atomic<std::uint64_t> copied{0};

    void add(const Frame& frame) noexcept;
};

/// All functions except suspend() are for the thread that reads.
class Attachment {
  public:
    /// The first four arguments must outlive the Attachment. It has no entry in the reader table yet.
    Attachment(const TagFiles& files, const Owner& owner, const ReaderOptions& options,
               DeliveryCounts& counts, ControlView control, bool suspended)
        : files_(files),
          owner_(owner),
          options_(options),
          counts_(counts),
          control_(std::move(control)),
          suspended_(suspended) {}

    const ControlView& control() const noexcept { return control_; }

    /// Calls back when the writer may have died.
    void watch_death(std::function<void()> callback) {
        death_watch_ = FileWatcher::file(control_.file(), std::move(callback));
    }
    bool is_watched() const noexcept { return static_cast<bool>(death_watch_); }

    /// Passes over the present or last writer of the file. Only a later writer is new then.
    void pass_over_writer() noexcept;

    /// Treats the present writer of the file as new. meet_writer() accepts it when it has opened the tag.
    void await_writer() noexcept { epoch_.reset(); }

    /// The writer that was met is gone. No more frames of it are expected.
    void lose_writer() noexcept;

    /// Whether a new writer has opened the tag. It may have left since.
    bool has_new_writer() const noexcept { return was_taken_over() && has_opened(); }

    /// Expects the frames of the new writer from now on. \returns false if there is none.
    bool meet_writer() noexcept;

    /// Whether the file was taken over since a writer was met or passed over. The new owner may be no writer:
    /// a process that removes the files of a dead writer takes the file over, too.
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

    /// Returns the next frame, or an empty one if there is none now. The frame was read from whole files, it
    /// is counted, and the frames after it are expected.
    /// \throws Error as Segment::open, and Damaged if a file was cut; std::bad_alloc.
    Frame next();

    /// Asks for the memory that next() uses, when the reader has just been woken.
    void prefetch() const noexcept;

    /// Checks that no file was cut. For a reader that found no frame: reads the ends of the files first,
    /// which costs a few loads.
    /// \throws Error Damaged, naming the file.
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
    Frame take();
    Frame take_after_move(const ControlView::Announcement& announcement, bool moved);
    Frame take_from_segment();
    std::optional<slots::Place> next_place() const noexcept;
    std::uint64_t missed_before(std::uint64_t frame) const noexcept;
    void advance_past(const Frame& frame) noexcept;
    void count(const Frame& frame) noexcept;
    void require_whole_files() const;
    bool is_announced(const Segment& segment) const noexcept;
    bool let_go_of_holes() noexcept;

    const TagFiles& files_;
    const Owner& owner_;
    const ReaderOptions& options_;
    DeliveryCounts& counts_;
    ControlView control_;
    std::shared_ptr<detail::LeasedSegment> source_;
    bool joined_ = false;
    bool settled_ = false;  // all frames from wanted_ on are present
    bool end_reported_ = false;
    bool first_of_writer_ = false;                  // the next frame is
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
