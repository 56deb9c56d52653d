// SPDX-License-Identifier: BSD-3-Clause
// The last frame that ndshsrc pushed. It is kept, and is pushed again while no other frame comes.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

#include "owned.hpp"

namespace ndsharray::gst {

/// All functions are for the streaming thread, unless they say "Any thread".
class KeptFrame {
  public:
    /// The shortest time between two repeated frames.
    static constexpr std::chrono::nanoseconds shortest = std::chrono::milliseconds(1);

    /// Keeps this buffer in place of the last one. It is about to be pushed. The kept buffer does not change:
    /// if downstream wants to change it, downstream gets a copy.
    void keep(GstBuffer* buffer);

    /// Releases the kept buffer.
    void forget() { buffer_.reset(); }

    /// Replaces the kept frame by a copy, so that it holds neither a slot nor a segment of the writer.
    void leave_shared_memory();

    /// The CLOCK_MONOTONIC instant at which the frame is due: `keepalive` after the last push. Nothing if
    /// there is no frame to repeat.
    std::optional<std::int64_t> due(std::optional<std::chrono::nanoseconds> keepalive) const;

    /// The frame once more, without DISCONT and GAP and otherwise unchanged. The caller sets its times. Call
    /// it when the frame is due().
    Owned<GstBuffer> repeat();

    /// Number of calls of repeat() since restart(). Any thread.
    std::uint64_t repeated() const { return repeated_; }
    void restart();

  private:
    Owned<GstBuffer> buffer_;
    std::int64_t pushed_ = 0;  // time of the last push, CLOCK_MONOTONIC
    std::atomic<std::uint64_t> repeated_ = 0;
};

}  // namespace ndsharray::gst
