// SPDX-License-Identifier: BSD-3-Clause
// Frames of an EncodedTag for an appsrc in the pipeline of one protocol or viewer.
#include "serve/encoded_feed.hpp"

#include <utility>

namespace ndsharray::serve {
namespace {

/// What an appsrc that nobody empties holds at most.
constexpr guint64 most_buffers = 60;
constexpr guint64 most_bytes = 8 << 20;

}  // namespace

EncodedFeed::EncodedFeed(std::shared_ptr<EncodedTag> tag, GstAppSrc* appsrc)
    : appsrc_(GST_OBJECT(gst_object_ref(appsrc))), base_time_(tag->base_time()) {
    g_object_set(appsrc, "is-live", TRUE, "format", GST_FORMAT_TIME, "max-bytes", guint64{0}, "min-latency",
                 gint64{0}, nullptr);
    gst_app_src_set_caps(appsrc, tag->caps().get());
    const gst::Owned<GstObject> pad(GST_OBJECT(gst_element_get_static_pad(GST_ELEMENT(appsrc), "src")));
    probe_ = gst_pad_add_probe(GST_PAD(pad.get()), GST_PAD_PROBE_TYPE_BUFFER, set_time, this, nullptr);
    subscription_ = tag->subscribe([this](GstSample* sample) { return take(sample); });
}

EncodedFeed::~EncodedFeed() {
    subscription_.reset();
    const gst::Owned<GstObject> pad(
        GST_OBJECT(gst_element_get_static_pad(GST_ELEMENT(appsrc_.get()), "src")));
    gst_pad_remove_probe(GST_PAD(pad.get()), probe_);
}

bool EncodedFeed::take(GstSample* sample) {
    auto* appsrc = GST_APP_SRC(appsrc_.get());
    if (gst_app_src_get_current_level_buffers(appsrc) >= most_buffers ||
        gst_app_src_get_current_level_bytes(appsrc) >= most_bytes)
        return false;
    return gst_app_src_push_sample(appsrc, sample) == GST_FLOW_OK;
}

/// The base time of the appsrc's pipeline is known for sure when a buffer leaves.
GstPadProbeReturn EncodedFeed::set_time(GstPad*, GstPadProbeInfo* info, gpointer data) {
    const auto* self = static_cast<const EncodedFeed*>(data);
    GstBuffer* buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
    GST_PAD_PROBE_INFO_DATA(info) = buffer;
    const GstClockTime base_time = gst_element_get_base_time(GST_ELEMENT(self->appsrc_.get()));
    if (GST_BUFFER_PTS_IS_VALID(buffer)) {
        const GstClockTime time = GST_BUFFER_PTS(buffer) + self->base_time_;
        GST_BUFFER_PTS(buffer) = time > base_time ? time - base_time : 0;
    }
    GST_BUFFER_DTS(buffer) = GST_BUFFER_PTS(buffer);
    return GST_PAD_PROBE_OK;
}

}  // namespace ndsharray::serve
