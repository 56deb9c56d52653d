// SPDX-License-Identifier: BSD-3-Clause
// A Reader that other threads can interrupt, pause and point at another tag while it reads.
#pragma once

#include <ndsharray/reader.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace ndsharray::gst {

/// read() is for the streaming thread, open() and close() for when there is none; the rest is safe from any
/// thread.
class TagReader {
  public:
    /// \throws Error as the constructor of Reader.
    void open(const std::string& tag, const ReaderOptions& options);
    void close();

    bool is_open() const;

    /// From the next frame on reads from this tag, with these options; a read() under way comes back
    /// Cancelled, and a writer with backpressure is held up no longer.
    void move_to(const std::string& tag, const ReaderOptions& options);

    /// The tag that was set last.
    std::string tag() const;

    /// A read() under way, or else the next, comes back Cancelled.
    void interrupt();

    /// While any of these holds, read() returns Cancelled.
    void set_unlocked(bool unlocked);
    void set_paused(bool paused);
    bool unlocked() const;

    /// A flushed reader, and one that has ended its stream, does not hold up a writer that has backpressure;
    /// the end lasts until the next read().
    void set_flushed(bool flushed);
    void set_ended();

    /// Reader::read, from the tag that is set now.
    /// \throws Error if that tag is malformed.
    Frame read(std::optional<std::chrono::nanoseconds> timeout);

    /// Of the last read().
    ReadMode mode() const;
    bool writer_has_backpressure() const;
    Error error() const;
    Error obstacle() const;

    /// Of all tags since open().
    ReaderStats stats() const;

  private:
    Reader& follow_tag();
    bool has_moved() const;
    void apply();

    mutable std::mutex mutex_;  // never held while reading
    std::unique_ptr<Reader> reader_;
    std::string tag_;             // to be read from
    ReaderOptions options_;       // to be read with
    std::string read_tag_;        // of reader_
    ReaderOptions read_options_;  // of reader_
    ReaderStats past_;            // of the readers before
    bool interrupted_ = false;    // one read() is to come back
    bool unlocked_ = false;
    bool paused_ = false;
    bool flushed_ = false;
    bool ended_ = false;
};

}  // namespace ndsharray::gst
