// SPDX-License-Identifier: BSD-3-Clause
// The frames of a tag as the buffers that ndshsrc pushes, one after the other.
#include "source/frame_stream.hpp"

#include <algorithm>
#include <utility>

GST_DEBUG_CATEGORY_EXTERN(ndshsrc_debug);
#define GST_CAT_DEFAULT ndshsrc_debug

namespace ndsharray::gst {

namespace {

/// Another buffer over the same memory. Not gst_buffer_copy(): from GStreamer 1.24 on, that holds the buffer.
GstBuffer* twin_of(GstBuffer* buffer) {
    GstBuffer* twin = gst_buffer_new();
    for (guint i = 0; i < gst_buffer_n_memory(buffer); ++i) {
        gst_buffer_append_memory(twin, gst_memory_ref(gst_buffer_peek_memory(buffer, i)));
    }
    constexpr int all = GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS | GST_BUFFER_COPY_META;
    gst_buffer_copy_into(twin, buffer, static_cast<GstBufferCopyFlags>(all), 0, G_MAXSIZE);
    return twin;
}

}  // namespace

FrameStream::FrameStream(GstBaseSrc* src, SharedSettings& settings, TagReader& reader)
    : src_(src),
      settings_(settings),
      reader_(reader),
      wait_(src, settings, reader, kept_),
      delivery_(src, kept_, continuity_),
      qos_(src) {}

void FrameStream::restart() {
    kept_.restart();
    wait_.restart();
    delivery_.restart();
    continuity_.restart();
    skipped_ = 0;
    age_at_arrival_ = 0;
}

void FrameStream::stop() {
    kept_.forget();
    unsent_.reset();
    qos_.restart();
}

SrcStats FrameStream::stats() const {
    ReaderStats stats = reader_.stats();
    const std::uint64_t skipped = skipped_;
    stats.frames -= std::min(skipped, stats.frames);
    stats.missed += skipped;
    return {std::move(stats), delivery_.copied(), delivery_.dropped_metas(), age_at_arrival_,
            kept_.repeated()};
}

FrameStream::Result FrameStream::next() {
    if (unsent_) {
        return {GST_FLOW_OK, Owned<GstBuffer>(gst_buffer_ref(unsent_.get()))};
    }
    for (;;) {
        FrameWait::Result result = wait_.next();
        if (result.flow != GST_FLOW_OK) {
            return {result.flow, nullptr};
        }
        if (result.keepalive) {
            GST_DEBUG_OBJECT(src_, "nothing came, repeating the last frame");
            return {GST_FLOW_OK, delivery_.repeat(*result.keepalive)};
        }
        note_arrival(result.frame);
        if (continuity_.is_of_pause(result.frame, is_lossless())) {
            skip(result.frame);
            continue;
        }
        if (result.frame.spec().size() > 0) {
            return deliver(std::move(result.frame));
        }
        // What Python programs write before they have a picture.
        GST_DEBUG_OBJECT(src_, "skipping frame %" G_GUINT64_FORMAT ": it has no elements",
                         guint64{result.frame.number()});
    }
}

void FrameStream::note_arrival(const Frame& frame) {
    const auto age = frame.age().count();
    age_at_arrival_ = static_cast<std::uint64_t>(age);
    if (frame.first_of_writer()) {
        writer_has_backpressure_ = reader_.writer_has_backpressure();
        GST_INFO_OBJECT(src_, "first frame of a writer, in %s", frame.segment_name().c_str());
    }
    continuity_.note(frame, is_lossless());
    delivery_.note(frame);
    if (frame.missed() > 0) {
        GST_DEBUG_OBJECT(src_, "missed %" G_GUINT64_FORMAT " frames", frame.missed());
        qos_.frames_are_missing();
    }
    if (frame.is_copy()) {
        GST_DEBUG_OBJECT(src_,
                         "frame %" G_GUINT64_FORMAT
                         " is a copy: too many are held, or leases are not "
                         "permitted",
                         frame.number());
    }
    GST_LOG_OBJECT(src_, "frame %" G_GUINT64_FORMAT ", %" G_GINT64_FORMAT " ns old", frame.number(),
                   static_cast<gint64>(age));
}

/// A live source sends what it sees while it plays.
void FrameStream::skip(const Frame& frame) {
    GST_DEBUG_OBJECT(src_, "skipping frame %" G_GUINT64_FORMAT ": the writer published it during a pause",
                     guint64{frame.number()});
    continuity_.skip();
    ++skipped_;
    qos_.frames_are_missing();
}

/// Whether the writer waits for this reader.
bool FrameStream::is_lossless() const {
    return writer_has_backpressure_ && reader_.mode() == ReadMode::Every;
}

TimestampMode FrameStream::timestamp_mode() const {
    const TimestampMode mode = settings_.policy().timestamps;
    if (mode != TimestampMode::Auto) {
        return mode;
    }
    return writer_has_backpressure_ ? TimestampMode::Stream : TimestampMode::Clock;
}

FrameStream::Result FrameStream::deliver(Frame&& frame) {
    const auto caps = settings_.with([](const SrcSettings& settings) { return share(settings.caps.get()); });
    const GstFlowReturn flow = delivery_.send_caps(frame, caps.get());
    if (flow != GST_FLOW_OK) {
        return {flow, nullptr};
    }
    Owned<GstBuffer> buffer = delivery_.buffer(std::move(frame), timestamp_mode());
    if (!buffer) {
        return {GST_FLOW_ERROR, nullptr};
    }
    note_delivery(buffer.get());
    return {GST_FLOW_OK, std::move(buffer)};
}

void FrameStream::sent() {
    unsent_.reset();
    continuity_.sent();
}

/// Keeps what may have to be repeated or sent later, and says what is missing.
void FrameStream::note_delivery(GstBuffer* buffer) {
    if (reader_.mode() == ReadMode::Every) {
        // The base class marks the first as DISCONT. It would copy a buffer that somebody else has, too, and
        // lose the metas that cannot be copied.
        unsent_.reset(delivery_.is_first() ? twin_of(buffer) : gst_buffer_ref(buffer));
    }
    if (settings_.policy().keepalive) {
        kept_.keep(buffer);
    }
    if (qos_.is_due()) {
        const ReaderStats stats = reader_.stats();
        qos_.post(buffer, stats.frames - skipped_, stats.missed + skipped_);
    }
}

}  // namespace ndsharray::gst
