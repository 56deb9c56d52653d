// SPDX-License-Identifier: BSD-3-Clause
// A Reader that other threads can interrupt, pause and move to another tag while it reads.
#pragma once

#include <ndsharray/reader.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace ndsharray::gst {

/// Call read() in the streaming thread. Call open() and close() when there is no streaming thread. All other
/// functions are safe from any thread.
class TagReader {
  public:
    /// \throws Error as the constructor of Reader.
    void open(const std::string& tag, const ReaderOptions& options);
    void close();

    bool is_open() const;

    /// From the next frame on, reads from this tag with these options. A running read() returns Cancelled. A
    /// writer of the old tag with backpressure is released.
    void move_to(const std::string& tag, const ReaderOptions& options);

    /// The tag that was set last.
    std::string tag() const;

    /// The running read() returns Cancelled. If none is running, the next one does.
    void interrupt();

    /// While the reader is unlocked or paused, read() returns Cancelled.
    void set_unlocked(bool unlocked);
    void set_paused(bool paused);
    bool unlocked() const;

    /// A writer with backpressure does not wait for a flushed reader, nor for a reader that has ended its
    /// stream. The end lasts until the next read().
    void set_flushed(bool flushed);
    void set_ended();

    /// Reader::read, from the tag that is set now.
    /// \throws Error if that tag is malformed.
    Frame read(std::optional<std::chrono::nanoseconds> timeout);

    /// Of the last read(), for the thread that reads.
    ReadMode mode() const { return read_options_.mode; }

    /// These belong to the last read().
    bool writer_has_backpressure() const;
    Error error() const;
    Error obstacle() const;

    /// Sums over all tags since open().
    ReaderStats stats() const;

  private:
    Reader& follow_tag();
    bool has_moved() const;
    void apply();

    mutable std::mutex mutex_;  // never held while reading
    std::unique_ptr<Reader> reader_;
    std::string tag_;             // for the next read()
    ReaderOptions options_;       // for the next read()
    std::string read_tag_;        // of reader_
    ReaderOptions read_options_;  // of reader_; only the thread that reads changes it, with the mutex
    ReaderStats past_;            // counters of the earlier readers
    bool interrupted_ = false;    // one read() is to return
    bool unlocked_ = false;
    bool paused_ = false;
    bool flushed_ = false;
    bool ended_ = false;
};

}  // namespace ndsharray::gst
