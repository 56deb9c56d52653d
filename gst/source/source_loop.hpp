// SPDX-License-Identifier: BSD-3-Clause
// The loop of ndshsrc: waits for a frame as the properties say, and makes the buffer that is pushed next.
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

/// next() is for the streaming thread, restart() and stop() for when there is none; stats() is for any
/// thread.
class SourceLoop {
  public:
    /// All of them outlive this.
    SourceLoop(GstBaseSrc* src, SharedSettings& settings, TagReader& reader);

    void restart();

    /// Lets go of what is kept.
    void stop();

    struct Result {
        GstFlowReturn flow = GST_FLOW_OK;
        Owned<GstBuffer> buffer;  ///< with GST_FLOW_OK
    };

    /// The next frame, or the last one again; before it, downstream gets the caps and the segment it needs.
    Result next();

    /// What next() gave last has passed the pad. In the streaming thread.
    void sent();

    BufferBuilder& builder() { return builder_; }
    Continuity& continuity() { return continuity_; }
    SrcStats stats() const;

  private:
    /// What a wait led to.
    struct Waited {
        GstFlowReturn flow = GST_FLOW_OK;
        Frame frame;

        /// Instead of a frame: nothing came for so long, and it is time to repeat the last one.
        std::optional<std::chrono::nanoseconds> keepalive;
    };

    Waited wait();
    void tell_of_obstacle();
    std::optional<std::int64_t> timeout_at();
    GstFlowReturn without_frame(ReadStatus status);
    GstFlowReturn disconnected(ReadStatus status);
    GstFlowReturn interrupted();
    void note_arrival(const Frame& frame);
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

    // The base class drops what it got if it is paused just then, from GStreamer 1.24 on. Where every frame
    // counts it is made to send it later. After a pause of a live stream that would be too late.
    Owned<GstBuffer> unsent_;
    std::atomic<std::uint64_t> skipped_ = 0;         // frames of a pause
    std::atomic<std::uint64_t> age_at_arrival_ = 0;  // of the newest frame, in nanoseconds
    bool writer_has_backpressure_ = false;
    SrcPolicy policy_;                           // of the last wait
    bool may_be_in_the_way_ = true;              // something, of any writer
    std::optional<std::int64_t> waiting_since_;  // CLOCK_MONOTONIC; repeated frames do not end a wait
};

}  // namespace ndsharray::gst
