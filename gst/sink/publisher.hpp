// SPDX-License-Identifier: BSD-3-Clause
// From a buffer to a published frame: in place where it is a slot already, else by one copy.
#pragma once

#include <gst/base/gstbasesink.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "metadata/encoder.hpp"
#include "metadata/orientation.hpp"
#include "sink/sink_qos.hpp"
#include "sink/tag_writer.hpp"
#include "time/pipeline_clock.hpp"

namespace ndsharray::gst {

/// What became of an attempt that can be interrupted.
enum class Outcome { Done, Interrupted, Failed };

/// Only the counters may be read from other threads than the one that publishes.
class Publisher {
  public:
    /// \param sink the element that publishes; outlives this
    explicit Publisher(GstBaseSink* sink) : sink_(sink), drops_(sink) {}

    /// A tag was opened; nothing was published under it yet.
    void restart();

    /// Says what is still to be said of dropped frames.
    void finish() { drops_.finish(); }

    bool is_prepared(const std::shared_ptr<const SlotFormat>& format) const { return format == format_; }

    /// Sees to it that there is a segment for frames of this format. Posts a WARNING message where it has
    /// fewer slots than usual. With backpressure this may wait for readers; then it can be interrupted.
    /// \throws Error as Writer::configure.
    Outcome prepare(const std::shared_ptr<const SlotFormat>& format);

    /// Publishes a buffer of the format prepared last, or counts it as dropped where no slot is free.
    /// Failed: the tag cannot be written any more.
    Outcome publish(GstBuffer* buffer);

    /// Looks at an event that comes before the frames to come.
    void observe(GstEvent* event) { orientation_.observe(event); }

    const std::shared_ptr<TagWriter>& tag_writer() const { return tag_writer_; }
    std::uint64_t zero_copied() const { return zero_copied_; }
    std::uint64_t copied() const { return copied_; }

    /// Frames dropped for another reason than a missing slot.
    std::uint64_t lost() const { return lost_; }

    /// Metas that did not cross.
    std::uint64_t dropped_metas() const { return dropped_metas_; }

  private:
    WritableFrame* slot_holding(GstBuffer* buffer) const;
    Outcome publish_in_place(GstBuffer* buffer, WritableFrame& slot);
    Outcome publish_copy(GstBuffer* buffer);
    WritableFrame copied_frame(GstBuffer* buffer);
    FrameInfo describe(GstBuffer* buffer);
    void count_left_out(GstBuffer* buffer);
    void warn_of_few_slots() const;

    GstBaseSink* sink_;
    SinkQos drops_;
    std::shared_ptr<TagWriter> tag_writer_ = std::make_shared<TagWriter>();  // pools have it as well
    std::shared_ptr<const SlotFormat> format_;
    PipelineClock clock_;
    MetadataEncoder metadata_;
    OrientationOfStream orientation_;
    std::atomic<std::uint64_t> zero_copied_ = 0;
    std::atomic<std::uint64_t> copied_ = 0;
    std::atomic<std::uint64_t> lost_ = 0;
    std::atomic<std::uint64_t> dropped_metas_ = 0;
};

}  // namespace ndsharray::gst
