// SPDX-License-Identifier: BSD-3-Clause
// Tells the application which readers attach and detach: by bus messages, signals and "num-readers".
#pragma once

#include <gst/gst.h>

#include <ndsharray/writer.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

namespace ndsharray::gst {

/// Adds the signals "reader-added" and "reader-removed" to the class of an element.
void install_reader_signals(GObjectClass* klass);

/// Safe from any thread. A thread of GStreamer emits the signals and posts the messages, in order. A signal
/// handler may do anything there, even stop the pipeline. A synchronous bus handler must not stop the
/// pipeline, as always.
class ReaderMessages {
  public:
    /// \param element has the signals of install_reader_signals() and the property "num-readers"; must
    /// outlive the ReaderMessages
    explicit ReaderMessages(GstElement* element) : element_(element) {}

    /// Starts with the readers of this tag. There are none yet.
    void start(const std::string& tag);

    void tell(const ReaderChange& change);

    /// When this returns, no more messages are posted; a signal may still be running. The detachment of
    /// present readers is not reported, but "num-readers" is 0.
    void stop();

    /// Number of readers after the last change that was reported.
    unsigned readers() const { return readers_; }

  private:
    struct News {
        ReaderChange change;
        std::uint64_t run;
    };

    void tell_all();
    bool post(const News& news);

    GstElement* element_;
    std::atomic<unsigned> readers_ = 0;

    std::mutex mutex_;  // guards the queue; never held during a message or signal
    std::deque<News> queue_;
    bool is_telling_ = false;

    // Held while a message is posted, so that stop() can wait for its end. Recursive, because a handler may
    // stop the element from there.
    std::recursive_mutex posting_;
    std::string tag_;
    std::atomic<std::uint64_t> run_ = 0;  // counts start() and stop(); changes only under this mutex
};

}  // namespace ndsharray::gst
