// SPDX-License-Identifier: BSD-3-Clause
// What ndshsrc has sent, and which break in the stream the next buffer tells of.
#pragma once

#include <ndsharray/frame.hpp>

#include <atomic>
#include <cstdint>

namespace ndsharray::gst {

/// Note each frame that is read, ask begin() for each that is sent, and say sent() when it has passed the
/// pad. For the streaming thread, except what says otherwise.
class Continuity {
  public:
    /// Nothing was sent yet.
    void restart();

    /// The source begins to play, or goes on after a pause. Any thread.
    void play();
    /// Any thread.
    void pause();

    /// Downstream was flushed. Any thread.
    void flush() { flushed_.store(true, std::memory_order_relaxed); }

    /// The source moves to another tag. Frames that are there already are new to it. Any thread.
    void move();

    /// Takes note of a frame that was read, sent or not.
    /// \param lossless the writer waits for this reader, so that a pause loses nothing
    void note(const Frame& frame, bool lossless);

    /// Whether a pause ended since the last note().
    bool has_resumed() const { return resumed_.load(std::memory_order_relaxed); }

    /// Whether a live source would not send this frame: it was captured while the source was paused, also
    /// where the writer published it a moment later, or published then.
    bool is_of_pause(const Frame& frame, bool lossless) const;

    /// A frame was skipped: the next buffer tells of the gap.
    void skip() { gap_ = true; }

    /// What a frame is that is sent now.
    struct Step {
        bool is_first = false;          ///< the first since the start or a flush
        bool starts_new_times = false;  ///< its times need not continue those of the frame before
        bool is_fresh = false;  ///< published since the source plays: its age is that of the transport
    };
    Step begin(const Frame& frame);

    /// A repeated frame is sent now. \returns whether its times need not continue those before.
    bool begin_repeat();

    /// Whether a frame of another writer was noted since begin().
    bool has_new_writer() const { return new_writer_; }

    /// Whether the buffer that is sent now has DISCONT.
    bool is_discont() const { return discont_; }

    /// It has passed the pad. A DISCONT that did not pass is told with the next buffer.
    void sent() { discont_ = false; }

  private:
    bool new_writer_ = false;   // one of the frames noted since begin() was the first of a writer
    bool gap_ = false;          // frames before one of those were missed or skipped
    bool discont_ = false;      // what is missing is to be told with the next buffer that passes
    bool nothing_sent_ = true;  // since the start

    // Relaxed, all of them: each is a mark by itself, set before the wait of the streaming thread is ended.
    std::atomic<std::int64_t> playing_since_ = 0;  // CLOCK_MONOTONIC
    std::atomic<std::int64_t> paused_at_ = 0;      // the same, of the last pause's begin
    std::atomic<std::int64_t> resumed_at_ = 0;     // the same, of its end; 0 for none
    std::atomic<bool> paused_ = false;
    std::atomic<bool> moved_ = false;    // since the last pause began
    std::atomic<bool> resumed_ = false;  // since the last note()
    std::atomic<bool> started_ = false;  // playing began, for the first time or again, since begin()
    std::atomic<bool> flushed_ = false;
};

}  // namespace ndsharray::gst
