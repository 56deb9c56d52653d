// SPDX-License-Identifier: BSD-3-Clause
// Publishes a buffer as a frame: in place if its memory is a slot, otherwise with one copy.
#pragma once

#include <gst/base/gstbasesink.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "metadata/encoder.hpp"
#include "metadata/orientation.hpp"
#include "sink/sink_qos.hpp"
#include "sink/tag_writer.hpp"
#include "time/pipeline_clock.hpp"
#include "video/crop.hpp"

namespace ndsharray::gst {

/// Result of an attempt that can be interrupted.
enum class Outcome { Done, Interrupted, Failed };

/// All functions are for the thread that publishes. The counters are for any thread.
class Publisher {
  public:
    /// \param sink the element that publishes; must outlive the Publisher
    explicit Publisher(GstBaseSink* sink) : sink_(sink), drops_(sink) {}

    /// Starts again: a tag was opened, and nothing was published under it yet.
    void restart();

    /// Posts the last message about dropped frames, if one is due.
    void finish() { drops_.finish(); }

    bool is_prepared(const std::shared_ptr<const SlotFormat>& format) const { return format == format_; }

    /// Makes a segment for frames of this format, if there is none. Posts a WARNING message if it has fewer
    /// slots than usual, and later if there is no room for one of them. With backpressure, this may wait for
    /// readers, and the wait can be interrupted. \throws Error as Writer::configure.
    Outcome prepare(const std::shared_ptr<const SlotFormat>& format);

    /// Publishes a buffer of the format that was prepared last. If no slot is free, counts it as dropped.
    /// Failed means that the tag cannot be written any more.
    Outcome publish(GstBuffer* buffer);

    /// Reads an event that may describe the following frames.
    void observe(GstEvent* event) { orientation_.observe(event); }

    const std::shared_ptr<TagWriter>& tag_writer() const { return tag_writer_; }
    std::uint64_t copied() const { return copied_; }

    /// Number of frames that were dropped although a slot was free.
    std::uint64_t lost() const { return lost_; }

    /// Number of metas that did not cross.
    std::uint64_t dropped_metas() const { return dropped_metas_; }

  private:
    WritableFrame* slot_holding(GstBuffer* buffer) const;
    Outcome publish_any(GstBuffer* buffer);
    Outcome publish_in_place(GstBuffer* buffer, WritableFrame& slot);
    Outcome publish_copy(GstBuffer* buffer, const std::optional<Rectangle>& cut);
    WritableFrame copied_frame(GstBuffer* buffer, const std::optional<Rectangle>& cut);
    void note_published(GstBuffer* buffer);
    FrameInfo describe(GstBuffer* buffer);
    void count_left_out(GstBuffer* buffer);
    void warn_of_missing_slots();

    GstBaseSink* sink_;
    SinkQos drops_;
    std::shared_ptr<TagWriter> tag_writer_ = std::make_shared<TagWriter>();  // pools share it
    std::shared_ptr<const SlotFormat> format_;
    unsigned told_missing_slots_ = 0;
    PipelineClock clock_;
    MetadataEncoder metadata_;
    OrientationOfStream orientation_;
    std::atomic<std::uint64_t> copied_ = 0;
    std::atomic<std::uint64_t> lost_ = 0;
    std::atomic<std::uint64_t> dropped_metas_ = 0;
};

}  // namespace ndsharray::gst
