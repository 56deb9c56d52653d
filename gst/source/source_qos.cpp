// SPDX-License-Identifier: BSD-3-Clause
// QoS messages about frames that a source could not deliver.
#include "source/source_qos.hpp"

namespace ndsharray::gst {
namespace {

/// From the segment that the source has now.
GstSegment segment_of(GstBaseSrc* src) {
    GST_OBJECT_LOCK(src);
    const GstSegment segment = src->segment;
    GST_OBJECT_UNLOCK(src);
    return segment;
}

}  // namespace

bool SourceQos::is_due() const {
    const bool is_unread = last_ && GST_MINI_OBJECT_REFCOUNT_VALUE(last_.get()) > 1;
    return are_missing_ && !is_unread;
}

void SourceQos::post(GstBuffer* buffer, std::uint64_t delivered, std::uint64_t missed) {
    are_missing_ = false;
    const GstSegment segment = segment_of(src_);
    const GstClockTime pts = GST_BUFFER_PTS(buffer);
    last_.reset(gst_message_new_qos(
        GST_OBJECT(src_), TRUE, gst_segment_to_running_time(&segment, GST_FORMAT_TIME, pts),
        gst_segment_to_stream_time(&segment, GST_FORMAT_TIME, pts), pts, GST_BUFFER_DURATION(buffer)));
    gst_message_set_qos_stats(last_.get(), GST_FORMAT_BUFFERS, delivered, missed);
    gst_element_post_message(GST_ELEMENT(src_), gst_message_ref(last_.get()));
}

void SourceQos::restart() {
    last_.reset();
    are_missing_ = false;
}

}  // namespace ndsharray::gst
