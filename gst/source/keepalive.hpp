// SPDX-License-Identifier: BSD-3-Clause
// The last frame ndshsrc pushed, kept to be pushed again while no other comes.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

#include "owned.hpp"

namespace ndsharray::gst {

/// Everything is for the streaming thread, except what says otherwise.
class KeptFrame {
  public:
    /// Nothing is repeated more often than this.
    static constexpr std::chrono::nanoseconds shortest = std::chrono::milliseconds(1);

    /// Keeps this buffer, which is about to be pushed, instead of the one before. It stays as it is:
    /// downstream gets a copy where it wants to change it.
    void keep(GstBuffer* buffer);

    /// Keeps nothing.
    void forget() { buffer_.reset(); }

    /// Goes on keeping the picture, but no slot of the writer, and no segment that it left.
    void leave_shared_memory();

    /// The CLOCK_MONOTONIC instant at which nothing will have been pushed for `keepalive`; nothing if there
    /// is nothing to repeat.
    std::optional<std::int64_t> due(std::optional<std::chrono::nanoseconds> keepalive) const;

    /// The frame once more, to be given its times: neither DISCONT nor GAP, with all else the frame had.
    /// To be called when it is due().
    Owned<GstBuffer> repeat();

    /// How often repeat() was called since restart(). Any thread.
    std::uint64_t repeated() const { return repeated_; }
    void restart();

  private:
    Owned<GstBuffer> buffer_;
    std::int64_t pushed_ = 0;  // when, CLOCK_MONOTONIC
    std::atomic<std::uint64_t> repeated_ = 0;
};

}  // namespace ndsharray::gst
