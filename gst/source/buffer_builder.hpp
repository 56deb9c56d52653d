// SPDX-License-Identifier: BSD-3-Clause
// Makes of a frame what ndshsrc pushes: caps, segment, times, and a buffer over the frame's memory.
#pragma once

#include <gst/base/gstbasesrc.h>

#include <ndsharray/frame.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

#include "metadata/decoder.hpp"
#include "owned.hpp"
#include "prefetch.hpp"
#include "source/continuity.hpp"
#include "source/keepalive.hpp"
#include "time/latency.hpp"
#include "time/timestamps.hpp"
#include "video/caps.hpp"

namespace ndsharray::gst {

/// All functions are for the streaming thread, unless they say "Any thread".
class BufferBuilder {
  public:
    /// \param src the element to push from
    /// \param kept the frame to repeat
    /// \param continuity all three must outlive the BufferBuilder
    BufferBuilder(GstBaseSrc* src, KeptFrame& kept, Continuity& continuity);

    /// Starts again: nothing was delivered yet.
    void restart();

    /// Whether downstream understands GstVideoMeta. Holds for caps that are set from now on.
    void set_takes_video_meta(bool takes_it) { takes_video_meta_ = takes_it; }

    /// Notes a frame that was read just now, even if it is not sent.
    /// \param arrived when it was read, CLOCK_MONOTONIC
    void note(const Frame& frame, std::int64_t arrived);

    /// Whether downstream has the caps of this frame.
    bool has_caps_of(const Frame& frame) const;

    /// Sends the caps of this frame downstream. Posts an ERROR message if that fails.
    /// \param given the user's caps for frames without caps; nullptr if there are none
    GstFlowReturn send_caps(const Frame& frame, GstCaps* given);

    /// The frame as a buffer. Its times belong to the segment that the source has after the call. The frame
    /// is not copied if downstream can find the planes. Downstream must have the caps of this frame already.
    /// \param mode not Auto
    /// \param lossless whether the writer waits for this reader
    /// \returns nullptr if there is no memory for a copy.
    Owned<GstBuffer> buffer(Frame&& frame, TimestampMode mode, bool lossless);

    /// Asks for the memory of the next buffer().
    void prefetch_pool() const { prefetch(pool_.get()); }

    /// Whether the last buffer of buffer() is the first since the start or a flush.
    bool is_first() const { return is_first_; }

    /// The kept frame once more, with the duration `keepalive`. Call it when the frame is due.
    Owned<GstBuffer> repeat(std::chrono::nanoseconds keepalive);

    /// Sets the least latency to report. Any thread.
    void set_min_latency(std::chrono::nanoseconds least);

    /// The latency to report, in nanoseconds. Any thread.
    std::int64_t latency() const { return latency_.minimum(); }

    /// Number of frames that buffer() copied. Any thread.
    std::uint64_t copied() const { return copied_; }

    /// Number of metas that could not be added to buffers. Any thread.
    std::uint64_t dropped_metas() const { return metadata_.dropped(); }

  private:
    GstFlowReturn push_caps(const FrameCaps& format);
    void post_refusal(GstCaps* caps) const;
    PipelineTime pipeline_time();
    Timestamps::Stamp stamp(const Frame& frame, TimestampMode mode, bool lossless);
    void set_times(GstBuffer* buffer, const Timestamps::Stamp& times);
    Owned<GstBuffer> pixels(Frame&& frame);
    void attach_metadata(GstBuffer* buffer);
    void send_orientation(Orientation orientation);
    void renew_pool();
    void report_latency();

    GstBaseSrc* src_;
    KeptFrame& kept_;
    Continuity& continuity_;
    std::optional<FrameCaps> format_;  // of the last frames; nothing if downstream may not have it
    Owned<GstBufferPool> pool_;        // of buffers for frames of this format
    std::uint32_t generation_ = 0;     // format_ belongs to this generation
    bool takes_video_meta_ = false;
    bool is_first_ = false;
    std::int64_t arrived_ = 0;  // arrival of the last noted frame, CLOCK_MONOTONIC
    PipelineClock clock_;
    Timestamps timestamps_;
    LatencyTracker latency_;
    MetadataDecoder metadata_;
    Orientation orientation_ = GST_VIDEO_ORIENTATION_IDENTITY;  // last orientation that was sent downstream
    std::atomic<std::uint64_t> copied_ = 0;
};

}  // namespace ndsharray::gst
