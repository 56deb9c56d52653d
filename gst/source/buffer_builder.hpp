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
#include "source/continuity.hpp"
#include "source/keepalive.hpp"
#include "time/latency.hpp"
#include "time/timestamps.hpp"
#include "video/frame_caps.hpp"

namespace ndsharray::gst {

/// Everything is for the streaming thread, except what says otherwise.
class BufferBuilder {
  public:
    /// \param src the element to push from
    /// \param kept the frame to repeat
    /// \param continuity all of them outlive this
    BufferBuilder(GstBaseSrc* src, KeptFrame& kept, Continuity& continuity);

    /// Nothing was delivered yet.
    void restart();

    /// Whether downstream finds planes by GstVideoMeta, in caps that are set from now on.
    void set_takes_video_meta(bool takes_it) { takes_video_meta_ = takes_it; }

    /// Takes note of a frame that was read just now, sent or not.
    void note(const Frame& frame);

    /// Whether downstream has the caps of this frame.
    bool has_caps_of(const Frame& frame) const;

    /// Gives downstream the caps of this frame. Posts an ERROR message where that fails.
    /// \param given the user's caps for frames without, nullptr for none
    GstFlowReturn send_caps(const Frame& frame, GstCaps* given);

    /// The frame as a buffer, in the segment the source then has; without a copy where downstream can find
    /// the planes. To be called when downstream has the caps of this frame.
    /// \param mode not Auto
    /// \returns nullptr if there is no memory for a copy.
    Owned<GstBuffer> buffer(Frame&& frame, TimestampMode mode);

    /// Whether the last one of buffer() is the first since the start or a flush.
    bool is_first() const { return is_first_; }

    /// The kept frame once more, to last for `keepalive`. To be called when it is due.
    Owned<GstBuffer> repeat(std::chrono::nanoseconds keepalive);

    /// No less than this is reported as latency. Any thread.
    void set_min_latency(std::chrono::nanoseconds least);

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
    Continuity& continuity_;
    std::optional<FrameCaps> format_;  // of the frames before; nothing where downstream may not have it
    Owned<GstBufferPool> pool_;        // of buffers for frames of this format
    std::uint32_t generation_ = 0;     // for which format_ holds
    bool takes_video_meta_ = false;
    bool is_first_ = false;
    std::int64_t arrived_ = 0;  // when the last frame noted came, CLOCK_MONOTONIC
    PipelineClock clock_;
    Timestamps timestamps_;
    LatencyTracker latency_;
    MetadataDecoder metadata_;
    Orientation orientation_ = GST_VIDEO_ORIENTATION_IDENTITY;  // that downstream knows of
    std::atomic<std::uint64_t> copied_ = 0;
};

}  // namespace ndsharray::gst
