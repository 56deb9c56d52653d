// SPDX-License-Identifier: BSD-3-Clause
// The frames that ndshsrc has sent, and the gap that the next buffer reports with DISCONT.
#pragma once

#include <ndsharray/frame.hpp>

#include <atomic>
#include <cstdint>

namespace ndsharray::gst {

/// Call note() for each frame that is read, begin() for each frame that is sent, and sent() when it has
/// passed the pad. All functions are for the streaming thread, unless they say "Any thread".
class Continuity {
  public:
    /// Starts again: nothing was sent yet.
    void restart();

    /// The source starts to play, also after a pause. Any thread.
    void play();
    /// The source is paused. Any thread.
    void pause();

    /// Downstream was flushed. Any thread.
    void flush() { flushed_.store(true, std::memory_order_relaxed); }

    /// The source moves to another tag. Frames that are present there count as new. Any thread.
    void move();

    /// Notes a frame that was read, even if it is not sent.
    /// \param lossless whether the writer waits for this reader, so that a pause loses nothing
    void note(const Frame& frame, bool lossless);

    /// Whether a pause ended since the last note().
    bool has_resumed() const { return resumed_.load(std::memory_order_relaxed); }

    /// Whether the frame was captured or published during a pause of a live source. Such a frame is not sent,
    /// even if it was published just after the pause.
    bool is_of_pause(const Frame& frame, bool lossless) const;

    /// A frame was skipped. The next buffer reports the gap.
    void skip() { gap_ = true; }

    /// Properties of the frame that is sent now.
    struct Step {
        bool is_first = false;          ///< the first since the start or a flush
        bool starts_new_times = false;  ///< its times need not follow those of the last frame
        bool is_fresh = false;          ///< published while the source plays: its age is the transport's
    };
    Step begin(const Frame& frame);

    /// A repeated frame is sent now.
    /// \returns whether its times need not follow those of the last frame.
    bool begin_repeat();

    /// Whether a frame of another writer was noted since the last begin().
    bool has_new_writer() const { return new_writer_; }

    /// Whether the buffer that is sent now has DISCONT.
    bool is_discont() const { return discont_; }

    /// The buffer has passed the pad. If a buffer with DISCONT does not pass, the next buffer gets DISCONT.
    void sent() { discont_ = false; }

  private:
    bool new_writer_ = false;   // a frame that was noted since begin() was the first of its writer
    bool gap_ = false;          // frames were missed or skipped since begin()
    bool discont_ = false;      // the next buffer that passes has DISCONT
    bool nothing_sent_ = true;  // since the start

    // All of these are relaxed: each is a mark by itself, and is set before the streaming thread is woken.
    std::atomic<std::int64_t> playing_since_ = 0;  // CLOCK_MONOTONIC
    std::atomic<std::int64_t> paused_at_ = 0;      // CLOCK_MONOTONIC, start of the last pause
    std::atomic<std::int64_t> resumed_at_ = 0;     // CLOCK_MONOTONIC, end of the last pause; 0: none
    std::atomic<bool> paused_ = false;
    std::atomic<bool> moved_ = false;    // since the last pause began
    std::atomic<bool> resumed_ = false;  // since the last note()
    std::atomic<bool> started_ = false;  // play() was called since begin()
    std::atomic<bool> flushed_ = false;
};

}  // namespace ndsharray::gst
