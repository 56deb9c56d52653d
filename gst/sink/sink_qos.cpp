// SPDX-License-Identifier: BSD-3-Clause
// QOS messages about frames that a sink drops.
#include "sink/sink_qos.hpp"

#include "time/pipeline_clock.hpp"

namespace ndsharray::gst {
namespace {

/// Time between two messages, in nanoseconds.
constexpr std::int64_t interval = 100'000'000;

bool is_live(GstBaseSink* sink) {
    gboolean live = FALSE;
    return gst_base_sink_query_latency(sink, &live, nullptr, nullptr, nullptr) && live;
}

}  // namespace

void SinkQos::restart() {
    *this = SinkQos(sink_);
}

void SinkQos::count_processed() {
    ++processed_;
    if (is_to_post_ && may_post()) {
        post();
    }
}

void SinkQos::count_dropped(GstBuffer* buffer) {
    if (dropped_++ == 0) {
        is_live_ = is_live(sink_);
    }
    const GstSegment& segment = sink_->segment;
    const GstClockTime pts = GST_BUFFER_PTS(buffer);
    last_ = {gst_segment_to_running_time(&segment, GST_FORMAT_TIME, pts),
             gst_segment_to_stream_time(&segment, GST_FORMAT_TIME, pts), pts, GST_BUFFER_DURATION(buffer)};
    is_to_post_ = true;
    if (may_post()) {
        post();
    }
}

void SinkQos::finish() {
    if (is_to_post_) {
        post();
    }
}

bool SinkQos::may_post() const {
    return posted_at_ == 0 || monotonic_now() - posted_at_ >= interval;
}

void SinkQos::post() {
    GstMessage* message = gst_message_new_qos(GST_OBJECT(sink_), is_live_, last_.running_time,
                                              last_.stream_time, last_.timestamp, last_.duration);
    gst_message_set_qos_stats(message, GST_FORMAT_BUFFERS, processed_, dropped_);
    gst_element_post_message(GST_ELEMENT(sink_), message);
    is_to_post_ = false;
    posted_at_ = monotonic_now();
}

}  // namespace ndsharray::gst
