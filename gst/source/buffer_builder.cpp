// SPDX-License-Identifier: BSD-3-Clause
// Makes of a frame what ndshsrc pushes: caps, segment, times, and a buffer over the frame's memory.
#include "source/buffer_builder.hpp"

#include <utility>

#include "memory/frame_memory.hpp"
#include "memory/frame_pool.hpp"
#include "metadata/orientation.hpp"
#include "time/buffer_info.hpp"
#include "video/pixel_copy.hpp"
#include "video/video_meta.hpp"

GST_DEBUG_CATEGORY_EXTERN(ndshsrc_debug);
#define GST_CAT_DEFAULT ndshsrc_debug

namespace ndsharray::gst {

BufferBuilder::BufferBuilder(GstBaseSrc* src, KeptFrame& kept, Continuity& continuity)
    : src_(src), kept_(kept), continuity_(continuity) {}

void BufferBuilder::restart() {
    format_.reset();
    clock_ = {};
    timestamps_ = {};
    latency_.reset();
    metadata_.restart();
    orientation_ = GST_VIDEO_ORIENTATION_IDENTITY;
    copied_ = 0;
}

void BufferBuilder::note(const Frame& frame, std::int64_t arrived) {
    arrived_ = arrived;
    if (frame.first_of_writer()) {
        latency_.begin_writer();
    }
}

bool BufferBuilder::has_caps_of(const Frame& frame) const {
    return format_ && generation_ == frame.generation() && !continuity_.has_new_writer();
}

GstFlowReturn BufferBuilder::send_caps(const Frame& frame, GstCaps* given) {
    // Until downstream has the new caps, no frame is sent: neither this frame nor a frame of the old caps.
    format_.reset();
    kept_.forget();
    try {
        FrameCaps format = frame_caps(frame.spec(), frame.attributes(), given);
        GST_INFO_OBJECT(src_, "%s in %s is %" GST_PTR_FORMAT, frame.spec().to_string().c_str(),
                        frame.segment_name().c_str(), printable(format.caps.get()));
        const GstFlowReturn flow = push_caps(format);
        if (flow == GST_FLOW_OK) {
            format_ = std::move(format);
            generation_ = frame.generation();
            renew_pool();
        }
        return flow;
    } catch (const NoCaps& none) {
        GST_ELEMENT_ERROR(src_, STREAM, FORMAT, ("%s", none.what()),
                          ("segment %s", frame.segment_name().c_str()));
        return GST_FLOW_ERROR;
    }
}

/// Buffers of the old pool that are still downstream are freed one by one.
void BufferBuilder::renew_pool() {
    Decorate decorate;
    if (!format_->layout.is_default) {
        decorate = [info = format_->info, layout = format_->layout](GstBuffer* buffer) {
            add_video_meta(buffer, info, layout);
        };
    }
    if (pool_) {
        gst_buffer_pool_set_active(pool_.get(), FALSE);
    }
    pool_ = frame_pool_new(std::move(decorate));
}

GstFlowReturn BufferBuilder::push_caps(const FrameCaps& format) {
    // Pushing them would succeed all the same: the next buffer would not, and nobody be told what did not
    // fit.
    if (!gst_pad_peer_query_accept_caps(GST_BASE_SRC_PAD(src_), format.caps.get())) {
        post_refusal(format.caps.get());
        return GST_FLOW_NOT_NEGOTIATED;
    }
    if (!gst_base_src_set_caps(src_, format.caps.get())) {
        return GST_PAD_IS_FLUSHING(GST_BASE_SRC_PAD(src_)) ? GST_FLOW_FLUSHING : GST_FLOW_NOT_NEGOTIATED;
    }
    gst_base_src_negotiate(src_);  // asks downstream about GstVideoMeta
    return GST_FLOW_OK;
}

void BufferBuilder::post_refusal(GstCaps* caps) const {
    const Owned<GstCaps> taken(gst_pad_peer_query_caps(GST_BASE_SRC_PAD(src_), nullptr));
    g_autofree gchar* has = gst_caps_to_string(caps);
    g_autofree gchar* takes = gst_caps_to_string(taken.get());
    GST_ELEMENT_ERROR(src_, STREAM, FORMAT,
                      ("The tag has %s, which the element after this one does not take; put videoconvert and "
                       "videoscale between them, or correct its caps.",
                       has),
                      ("it takes %s", takes));
}

Owned<GstBuffer> BufferBuilder::buffer(Frame&& frame, TimestampMode mode, bool lossless) {
    const Timestamps::Stamp times = stamp(frame, mode, lossless);
    metadata_.take(frame.metadata());
    const FrameInfo info = frame.info();
    Owned<GstBuffer> buffer = pixels(std::move(frame));
    if (!buffer) {
        GST_ELEMENT_ERROR(src_, RESOURCE, NO_SPACE_LEFT, ("There is no memory for a copy of the frame."),
                          (nullptr));
        return nullptr;
    }
    set_buffer_info(buffer.get(), info);
    attach_metadata(buffer.get());
    set_times(buffer.get(), times);
    if (continuity_.is_discont()) {
        GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
    }
    return buffer;
}

void BufferBuilder::attach_metadata(GstBuffer* buffer) {
    const std::uint64_t before = metadata_.dropped();
    const auto orientation = metadata_.attach(buffer, format_->info);
    if (before == 0 && metadata_.dropped() > 0) {
        GST_WARNING_OBJECT(src_, "metadata of a frame is damaged or of an unknown kind; stats counts it");
    }
    send_orientation(orientation.value_or(GST_VIDEO_ORIENTATION_IDENTITY));
}

/// Sends the orientation as a tag event, before the next buffer.
void BufferBuilder::send_orientation(Orientation orientation) {
    if (orientation == orientation_) {
        return;
    }
    orientation_ = orientation;
    GST_INFO_OBJECT(src_, "image-orientation is now %s", orientation_tag(orientation));
    // The base class keeps events until segment and caps are sent. gst_element_send_event() must not be used:
    // it takes the state lock, and the owner of that lock may be waiting for this thread.
    GST_ELEMENT_GET_CLASS(src_)->send_event(GST_ELEMENT(src_), orientation_event(orientation));
}

Owned<GstBuffer> BufferBuilder::repeat(std::chrono::nanoseconds keepalive) {
    if (continuity_.begin_repeat()) {
        timestamps_.restart();
    }
    const auto times = timestamps_.repeat(pipeline_time());
    Owned<GstBuffer> buffer = kept_.repeat();
    set_times(buffer.get(), times);
    if (continuity_.is_discont()) {
        GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
    }
    GST_BUFFER_DURATION(buffer.get()) = static_cast<GstClockTime>(keepalive.count());
    return buffer;
}

void BufferBuilder::set_times(GstBuffer* buffer, const Timestamps::Stamp& times) {
    if (times.segment) {
        gst_base_src_new_segment(src_, &*times.segment);
    }
    GST_BUFFER_PTS(buffer) = times.pts;
    GST_BUFFER_DTS(buffer) = times.dts;
}

PipelineTime BufferBuilder::pipeline_time() {
    PipelineTime time = PipelineTime::of(GST_ELEMENT(src_), clock_);
    time.now = monotonic_now();
    return time;
}

Timestamps::Stamp BufferBuilder::stamp(const Frame& frame, TimestampMode mode, bool lossless) {
    const Continuity::Step step = continuity_.begin(frame);
    is_first_ = step.is_first;
    if (step.starts_new_times) {
        timestamps_.restart();
    }
    const PipelineTime time = pipeline_time();
    auto stamp = timestamps_.next(frame.info(), mode, lossless, time);
    // Negotiation of caps took time. Later frames do not need this time, so it is left out.
    const std::int64_t since_arrival = time.now - arrived_;
    if (step.is_fresh && stamp.lateness && latency_.observe(*stamp.lateness - since_arrival, arrived_)) {
        report_latency();
    }
    return stamp;
}

Owned<GstBuffer> BufferBuilder::pixels(Frame&& frame) {
    const auto& [caps, info, layout] = *format_;
    if (!layout.is_default && !takes_video_meta_) {
        ++copied_;
        GST_LOG_OBJECT(src_, "copying frame %" G_GUINT64_FORMAT ": downstream wants default strides",
                       guint64{frame.number()});
        return Owned<GstBuffer>(copy_to_buffer(frame.data(), info, layout));
    }
    GstBuffer* buffer = nullptr;
    if (gst_buffer_pool_acquire_buffer(pool_.get(), &buffer, nullptr) != GST_FLOW_OK) {
        return nullptr;
    }
    hold(memory_of(buffer), std::move(frame), layout.size());
    return Owned<GstBuffer>(buffer);
}

void BufferBuilder::set_min_latency(std::chrono::nanoseconds least) {
    if (latency_.set_bound(least.count())) {
        report_latency();
    }
}

void BufferBuilder::report_latency() {
    GST_INFO_OBJECT(src_, "latency is now %" GST_TIME_FORMAT,
                    GST_TIME_ARGS(static_cast<GstClockTime>(latency())));
    gst_element_post_message(GST_ELEMENT(src_), gst_message_new_latency(GST_OBJECT(src_)));
}

}  // namespace ndsharray::gst
