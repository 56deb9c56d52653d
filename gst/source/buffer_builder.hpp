// SPDX-License-Identifier: BSD-3-Clause
// From a frame to what ndshsrc pushes: caps, segment, times, and a buffer over the frame's memory.
#pragma once

#include <gst/base/gstbasesrc.h>

#include <ndsharray/frame.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

#include "metadata/decoder.hpp"
#include "owned.hpp"
#include "source/keepalive.hpp"
#include "time/frame_time.hpp"
#include "time/latency.hpp"
#include "video/frame_caps.hpp"

namespace ndsharray::gst {

/// Everything is for the streaming thread, except what says otherwise.
class BufferBuilder {
  public:
    /// \param src the element to push from
    /// \param kept the frame to repeat; both outlive this
    BufferBuilder(GstBaseSrc* src, KeptFrame& kept);

    /// Nothing was delivered yet.
    void restart();

    /// The source begins or goes on playing. Frames published before are late because nobody took them; where
    /// some were not kept, the next frame begins anew on the time line. Any thread.
    void play();

    /// The next frame begins anew on the time line. Any thread.
    void flush() { flushed_ = true; }

    /// Whether downstream finds planes by GstVideoMeta, in caps that are set from now on.
    void set_takes_video_meta(bool takes_it) { takes_video_meta_ = takes_it; }

    /// Takes note of a frame that was read, delivered or not.
    void note(const Frame& frame);

    /// Sees to it that downstream has the caps of this frame. Posts an ERROR message where that fails.
    /// \param given the user's caps for frames without, nullptr for none
    GstFlowReturn send_caps(const Frame& frame, GstCaps* given);

    /// The frame as a buffer, in the segment the source then has; without a copy where downstream can find
    /// the planes. To be called after send_caps() for this frame.
    /// \param mode not Auto
    /// \returns nullptr if there is no memory for a copy.
    Owned<GstBuffer> buffer(Frame&& frame, TimestampMode mode);

    /// What buffer() or repeat() made last has passed the pad. Where it did not, the next one has its
    /// DISCONT.
    void sent() { discont_ = false; }

    /// Whether the last one of buffer() is the first since the start or a flush.
    bool is_first() const { return is_first_; }

    /// The kept frame once more, to last for `keepalive`. To be called when it is due.
    Owned<GstBuffer> repeat(std::chrono::nanoseconds keepalive);

    /// To be reported, in nanoseconds. Any thread.
    std::int64_t latency() const { return latency_.minimum(); }

    /// Frames that buffer() copied. Any thread.
    std::uint64_t copied() const { return copied_; }

    /// Metas that could not be added to buffers. Any thread.
    std::uint64_t dropped_metas() const { return metadata_.dropped(); }

  private:
    GstFlowReturn push_caps(const FrameCaps& format);
    Timestamps::Stamp stamp(const Frame& frame, TimestampMode mode);
    void set_times(GstBuffer* buffer, const Timestamps::Stamp& times);
    Owned<GstBuffer> pixels(Frame&& frame);
    void attach_metadata(GstBuffer* buffer);
    void send_orientation(Orientation orientation);
    void renew_pool();
    void report_latency();

    GstBaseSrc* src_;
    KeptFrame& kept_;
    std::optional<FrameCaps> format_;  // of the frames before; nothing where downstream may not have it
    Owned<GstBufferPool> pool_;        // of buffers for frames of this format
    std::uint32_t generation_ = 0;     // for which format_ holds
    bool takes_video_meta_ = false;
    bool new_writer_ =
        false;              // of the frames noted since the last that was delivered, one was a writer's first
    bool gap_ = false;      // and some before one of them were missed
    bool discont_ = false;  // what was missed is to be told with the next buffer that passes
    bool nothing_sent_ = true;
    bool is_first_ = false;
    PipelineClock clock_;
    Timestamps timestamps_;
    LatencyTracker latency_;
    MetadataDecoder metadata_;
    Orientation orientation_ = GST_VIDEO_ORIENTATION_IDENTITY;  // that downstream knows of
    std::atomic<std::uint64_t> copied_ = 0;
    std::atomic<std::int64_t> live_since_ = 0;
    std::atomic<bool> resumed_ = false;
    std::atomic<bool> flushed_ = false;
};

}  // namespace ndsharray::gst
