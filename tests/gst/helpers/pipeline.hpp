// SPDX-License-Identifier: BSD-3-Clause
// A pipeline made from a launch line, and waiting for what it says on its bus.
#pragma once

#include <gst/gst.h>

#include <support/wait.hpp>

#include <chrono>
#include <cstdint>
#include <string>

#include "held.hpp"

namespace ndsharray::test {

/// What an ERROR message says. Without one, `domain` is 0.
struct PipelineError {
    GQuark domain = 0;
    int code = 0;
    std::string source;    ///< name of the element
    std::string sentence;  ///< for the user
    std::string detail;    ///< for the developer

    bool is(GstResourceError expected) const { return domain == GST_RESOURCE_ERROR && code == expected; }
    bool is(GstStreamError expected) const { return domain == GST_STREAM_ERROR && code == expected; }
};

/// Goes to NULL when destroyed.
class Pipeline {
  public:
    /// \throws std::runtime_error for a line that cannot be made into a pipeline.
    explicit Pipeline(const std::string& description);
    ~Pipeline();
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    GstElement* get() const noexcept { return pipeline_.get(); }

    /// The element of this name, as long as the pipeline lives. \throws std::runtime_error without one.
    GstElement* operator[](const char* name) const;

    /// Asks for a state and does not wait for it. \returns false if that failed at once.
    bool set_state(GstState state);

    /// set_state(), then waits until it is reached.
    bool reaches(GstState state, std::chrono::nanoseconds timeout = patience);

    /// set_state(PLAYING). \throws std::runtime_error with the error message if that failed at once.
    void play();

    /// The next message of these types; nothing if none came in time.
    Held<GstMessage> message(int types, std::chrono::nanoseconds timeout = patience);

    /// Waits for EOS. \returns false at an error, or if none came in time.
    bool ends(std::chrono::nanoseconds timeout = patience);

    /// Waits for an error; EOS means that there is none.
    PipelineError error(std::chrono::nanoseconds timeout = patience);

    /// The time of its clock at which it began to play.
    GstClockTime base_time() const { return gst_element_get_base_time(pipeline_.get()); }

  private:
    Held<GstElement> pipeline_;
    Held<GstBus> bus_;
};

/// GStreamer's launch syntax for a property value that may have anything in it.
std::string quoted(const std::string& text);

/// A counter of the "stats" property of one of our elements; fails the test if there is none.
std::uint64_t counter(GstElement* element, const char* field);

/// Waits until an ndshsink has counted how each frame got into shared memory. It does so when the frame is
/// out, which a reader may be faster than.
bool has_counted_all(GstElement* sink);

/// Readers attached to an ndshsink.
unsigned num_readers(GstElement* sink);

/// Waits until an ndshsink has so many readers.
bool has_readers(GstElement* sink, unsigned count = 1);

}  // namespace ndsharray::test
