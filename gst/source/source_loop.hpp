// SPDX-License-Identifier: BSD-3-Clause
// The loop of ndshsrc. It waits for a frame as the properties say, and makes the next buffer to push.
#pragma once

#include <gst/base/gstbasesrc.h>

#include <ndsharray/frame.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

#include "owned.hpp"
#include "source/buffer_builder.hpp"
#include "source/continuity.hpp"
#include "source/keepalive.hpp"
#include "source/source_qos.hpp"
#include "source/src_properties.hpp"
#include "source/tag_reader.hpp"

namespace ndsharray::gst {

/// Call next() and sent() in the streaming thread. Call restart() and stop() when there is no streaming
/// thread. stats() is for any thread.
class SourceLoop {
  public:
    /// All arguments must outlive the SourceLoop.
    SourceLoop(GstBaseSrc* src, SharedSettings& settings, TagReader& reader);

    void restart();

    /// Releases the frames and buffers that are kept.
    void stop();

    struct Result {
        GstFlowReturn flow = GST_FLOW_OK;
        Owned<GstBuffer> buffer;  ///< with GST_FLOW_OK
    };

    /// The next frame, or the last frame once more. Downstream gets the caps and the segment before it.
    Result next();

    /// The last buffer of next() has passed the pad.
    void sent();

    BufferBuilder& builder() { return builder_; }
    Continuity& continuity() { return continuity_; }
    SrcStats stats() const;

  private:
    /// Result of a wait.
    struct Waited {
        GstFlowReturn flow = GST_FLOW_OK;
        Frame frame;

        /// Set if no frame came for this time: the last frame is to be repeated.
        std::optional<std::chrono::nanoseconds> keepalive;
    };

    Waited wait();
    void prefetch_way();
    void tell_of_obstacle();
    std::optional<std::int64_t> timeout_at();
    GstFlowReturn without_frame(ReadStatus status);
    GstFlowReturn disconnected(ReadStatus status);
    GstFlowReturn interrupted();
    void note_arrival(const Frame& frame);
    bool is_to_be_skipped(const Frame& frame);
    void log(const Frame& frame);
    void skip();
    bool is_lossless() const;
    TimestampMode timestamp_mode() const;
    Result deliver(Frame&& frame);
    void note_delivery(GstBuffer* buffer);

    GstBaseSrc* src_;
    SharedSettings& settings_;
    TagReader& reader_;
    KeptFrame kept_;
    Continuity continuity_;
    BufferBuilder builder_;
    SourceQos qos_;

    // From GStreamer 1.24 on, the base class drops a buffer if the element is paused just then. A lossless
    // stream sends this buffer after the pause. In a live stream it would be too late.
    Owned<GstBuffer> unsent_;
    std::atomic<std::uint64_t> skipped_ = 0;         // frames of a pause
    std::atomic<std::uint64_t> age_at_arrival_ = 0;  // of the newest frame, in nanoseconds
    bool writer_has_backpressure_ = false;
    SrcPolicy policy_;                           // of the last wait
    bool may_be_in_the_way_ = true;              // an obstacle to any writer
    std::optional<std::int64_t> waiting_since_;  // CLOCK_MONOTONIC; a repeated frame does not end the wait
};

}  // namespace ndsharray::gst
