// SPDX-License-Identifier: BSD-3-Clause
// A Writer that other threads can interrupt and ask for its counters, also when there is none.
#pragma once

#include <ndsharray/writer.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace ndsharray::gst {

/// open(), close() and writer() are for one thread at a time; the rest is safe from any thread.
class TagWriter {
  public:
    /// \param readers_changed is called with the number of readers, from another thread
    /// \throws Error as the constructor of Writer.
    void open(const std::string& tag, const WriterOptions& options,
              std::function<void(unsigned)> readers_changed);

    /// Gives up the tag; with backpressure, once readers have the last frame.
    /// \returns false if they had not after a few seconds.
    bool close();

    bool is_open() const;

    /// Only between open() and close().
    Writer& writer() { return *writer_; }

    /// Unlocked, everything that waits returns Cancelled.
    void set_unlocked(bool unlocked);
    bool unlocked() const;

    /// Of the Writer that is open, or was last.
    WriterStats stats() const;

  private:
    mutable std::mutex mutex_;  // never held while waiting
    std::unique_ptr<Writer> writer_;
    WriterStats past_;
    bool unlocked_ = false;
};

}  // namespace ndsharray::gst
