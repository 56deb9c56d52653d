// SPDX-License-Identifier: BSD-3-Clause
// The frames of a tag as the buffers that ndshsrc pushes, one after the other.
#pragma once

#include <gst/base/gstbasesrc.h>

#include <ndsharray/frame.hpp>

#include <atomic>
#include <cstdint>

#include "owned.hpp"
#include "source/buffer_builder.hpp"
#include "source/continuity.hpp"
#include "source/frame_wait.hpp"
#include "source/keepalive.hpp"
#include "source/source_qos.hpp"
#include "source/src_properties.hpp"
#include "source/tag_reader.hpp"

namespace ndsharray::gst {

/// next() is for the streaming thread, restart() and stop() for when there is none; stats() is for any
/// thread.
class FrameStream {
  public:
    /// All of them outlive this.
    FrameStream(GstBaseSrc* src, SharedSettings& settings, TagReader& reader);

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

    BufferBuilder& delivery() { return delivery_; }
    Continuity& continuity() { return continuity_; }
    SrcStats stats() const;

  private:
    void note_arrival(const Frame& frame);
    void skip(const Frame& frame);
    bool is_lossless() const;
    TimestampMode timestamp_mode() const;
    Result deliver(Frame&& frame);
    void note_delivery(GstBuffer* buffer);

    GstBaseSrc* src_;
    SharedSettings& settings_;
    TagReader& reader_;
    KeptFrame kept_;
    Continuity continuity_;
    FrameWait wait_;
    BufferBuilder delivery_;
    SourceQos qos_;

    // The base class drops what it got if it is paused just then, from GStreamer 1.24 on. Where every frame
    // counts it is made to send it later.
    Owned<GstBuffer> unsent_;
    std::atomic<std::uint64_t> skipped_ = 0;         // frames of a pause
    std::atomic<std::uint64_t> age_at_arrival_ = 0;  // of the newest frame, in nanoseconds
    bool writer_has_backpressure_ = false;
};

}  // namespace ndsharray::gst
