// SPDX-License-Identifier: BSD-3-Clause
// A Writer that other threads can interrupt and ask for its counters, also when there is none.
#pragma once

#include <ndsharray/writer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "video/video_layout.hpp"

namespace ndsharray::gst {

/// What frames of some caps are in shared memory. Which one is current is told by its address.
struct SlotFormat {
    GstVideoInfo info{};
    VideoLayout layout;
    Attributes attributes;
};

/// open(), close() and writer() are for one thread at a time; the rest is safe from any thread.
class TagWriter {
  public:
    /// \param readers_changed is called for each reader that comes or goes, from another thread, until
    /// close() \throws Error as the constructor of Writer.
    void open(const std::string& tag, const WriterOptions& options,
              std::function<void(const ReaderChange&)> readers_changed);

    /// Gives up the tag; with backpressure, once readers have the last frame.
    /// \returns false if they had not after a few seconds.
    bool close();

    bool is_open() const;

    /// Only between open() and close().
    Writer& writer() { return *writer_; }

    /// Sets what the frames to come are; the segment is made when first needed.
    void set_format(std::shared_ptr<const SlotFormat> format);
    std::shared_ptr<const SlotFormat> format() const;

    /// Makes the segment of a format, if it is the current one and there is none yet with so many slots.
    /// \param slots 0 for as many as there are
    /// \returns Ok, or Timeout or Cancelled: as Writer::configure, also in what it throws.
    WriteStatus configure(const std::shared_ptr<const SlotFormat>& format, unsigned slots,
                          std::optional<std::chrono::nanoseconds> timeout);

    /// A slot for a pool's buffer, if that format is the current one and there is one to spare; see
    /// Writer::acquire_pinned.
    WritableFrame acquire_pinned(const std::shared_ptr<const SlotFormat>& format,
                                 std::chrono::nanoseconds timeout);

    /// Unlocked, everything that waits returns Cancelled.
    void set_unlocked(bool unlocked);
    bool unlocked() const;

    /// Of the Writer that is open, or was last.
    WriterStats stats() const;

  private:
    std::shared_ptr<Writer> writer_of(const std::shared_ptr<const SlotFormat>& format) const;

    std::mutex configuring_;    // held while a segment is made, so that two threads make one
    mutable std::mutex mutex_;  // never held while waiting
    std::shared_ptr<Writer> writer_;
    std::shared_ptr<const SlotFormat> format_;
    WriterStats past_;
    bool unlocked_ = false;
};

}  // namespace ndsharray::gst
