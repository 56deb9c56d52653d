// SPDX-License-Identifier: BSD-3-Clause
// Tells the application of readers that come and go: messages on the bus, signals, "num-readers".
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

/// Safe from any thread. What is to be told is told by a thread of GStreamer's, in order: a handler may do as
/// it likes there, stop the pipeline included. (A synchronous handler of the bus must not, as ever.)
class ReaderMessages {
  public:
    /// \param element with the signals of install_reader_signals() and the property "num-readers"; outlives
    /// this
    explicit ReaderMessages(GstElement* element) : element_(element) {}

    /// From now on readers are those of this tag, of whom there are none yet.
    void start(const std::string& tag);

    void tell(const ReaderChange& change);

    /// No message comes any more when this returns; a signal may be under way. Readers that are still there
    /// are not told of, but "num-readers" is 0.
    void stop();

    /// How many there were after the last change that was told.
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

    std::mutex mutex_;  // guards the queue; never held while telling
    std::deque<News> queue_;
    bool is_telling_ = false;

    // Held while a message is posted, so that stop() can wait for that. Recursive, because a handler could
    // stop the element from there.
    std::recursive_mutex posting_;
    std::string tag_;
    std::atomic<std::uint64_t> run_ = 0;  // counts start() and stop(); changed only while that is held
};

}  // namespace ndsharray::gst
