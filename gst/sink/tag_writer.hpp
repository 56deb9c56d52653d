// SPDX-License-Identifier: BSD-3-Clause
// A Writer that other threads can interrupt. They can also read its counters, even if no Writer is open.
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

/// The form that frames of some caps have in shared memory. Formats are compared by address.
struct SlotFormat {
    GstVideoInfo info{};
    VideoLayout layout;
    Attributes attributes;
};

/// Call open(), close() and writer() in one thread at a time. All other functions are safe from any thread.
class TagWriter {
  public:
    /// \param readers_changed is called in another thread for each reader that attaches or detaches, until
    /// close()
    /// \throws Error as the constructor of Writer.
    void open(const std::string& tag, const WriterOptions& options,
              std::function<void(const ReaderChange&)> readers_changed);

    /// Closes the tag. With backpressure, first waits a few seconds until readers have taken the last frame.
    /// \returns false if they had not taken it by then.
    bool close();

    bool is_open() const;

    /// The open Writer. Only between open() and close().
    Writer& writer() { return *writer_; }

    /// Sets the format of the following frames. The segment is made when it is needed.
    void set_format(std::shared_ptr<const SlotFormat> format);
    std::shared_ptr<const SlotFormat> format() const;

    /// Makes the segment of a format, if this is the present format and there is no such segment with this
    /// number of slots.
    /// \param slots 0 keeps the present number
    /// \returns Ok, Timeout or Cancelled, as Writer::configure.
    /// \throws Error as Writer::configure.
    WriteStatus configure(const std::shared_ptr<const SlotFormat>& format, unsigned slots,
                          std::optional<std::chrono::nanoseconds> timeout);

    /// A slot for a pool's buffer, if this is the present format and a slot can be spared. See
    /// Writer::acquire_pinned.
    WritableFrame acquire_pinned(const std::shared_ptr<const SlotFormat>& format,
                                 std::chrono::nanoseconds timeout);

    /// While the writer is unlocked, each call that waits returns Cancelled. A flush and a change of state
    /// can unlock it at the same time: it stays unlocked until each of them has called lock().
    void unlock();
    void lock();
    bool unlocked() const;

    /// Counters of the open Writer, or of the last one.
    WriterStats stats() const;

  private:
    std::shared_ptr<Writer> writer_of(const std::shared_ptr<const SlotFormat>& format) const;

    std::mutex configuring_;    // held while a segment is made, so that two threads make only one
    mutable std::mutex mutex_;  // never held during a wait
    std::shared_ptr<Writer> writer_;
    std::shared_ptr<const SlotFormat> format_;
    WriterStats past_;
    unsigned unlocks_ = 0;  // calls of unlock() without their lock()
};

}  // namespace ndsharray::gst
