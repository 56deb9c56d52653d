// SPDX-License-Identifier: BSD-3-Clause
// A pipeline that plays in a process of its own and does what a test tells it; gst-launch-1.0 as well.
#pragma once

#include <gst/gst.h>

#include <support/child_process.hpp>

#include <chrono>
#include <string>

namespace ndsharray::test {

/// What came out of an appsink in another process.
struct RemoteSample {
    enum class Kind { Frame, Timeout, Eos, Error } kind = Kind::Timeout;
    GstClockTime pts = GST_CLOCK_TIME_NONE;
    std::uint64_t offset = 0;
    bool is_discont = false;
    std::string checksum;  ///< of the pixels, as Sample::checksum()
    std::string text;      ///< of an error, its sentence; of a frame, the caps

    explicit operator bool() const noexcept { return kind == Kind::Frame; }
};

/// Killed when destroyed, unless it was stopped.
class RemotePipeline {
  public:
    /// Returns when the pipeline was set to PLAYING. \throws std::runtime_error where that fails.
    explicit RemotePipeline(const std::string& description);

    /// The next frame of the appsink "out".
    RemoteSample pull(std::chrono::milliseconds timeout = patience);

    /// push_random() into the appsrc "in".
    void push_random(const std::string& caps, unsigned first, unsigned count = 1);

    /// Sends EOS into the appsrc "in", or waits for it on the bus.
    void end();
    bool ends();

    /// A counter of an element's stats.
    std::uint64_t counter(const std::string& element, const std::string& field);

    /// Sets the pipeline to NULL and ends the process.
    void stop();
    void kill() noexcept { process_.kill(); }
    pid_t pid() const noexcept { return process_.pid(); }

  private:
    std::string ask(const std::string& command);

    ChildProcess process_;
};

/// `gst-launch-1.0 -q` with this pipeline.
ChildProcess gst_launch(const std::string& description);

}  // namespace ndsharray::test
