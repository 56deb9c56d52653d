// SPDX-License-Identifier: BSD-3-Clause
// What ndshsink and its upstream agree on: the form of the frames, and the memory that they come in.
#include "sink/negotiation.hpp"

#include <gst/video/video-anc.h>
#include <gst/video/video.h>

#include <utility>

#include "owned.hpp"
#include "sink/slot_pool.hpp"
#include "video/caps.hpp"
#include "video/video_layout.hpp"

GST_DEBUG_CATEGORY_EXTERN(ndshsink_debug);
#define GST_CAT_DEFAULT ndshsink_debug

namespace ndsharray::gst {
namespace {

/// Whether the sink and all bins around it are in the state NULL.
bool is_being_built(GstElement* sink) {
    Owned<GstObject> object(GST_OBJECT(gst_object_ref(sink)));
    while (object && GST_STATE(object.get()) == GST_STATE_NULL) {
        object.reset(gst_object_get_parent(object.get()));
    }
    return !object;
}

}  // namespace

GstCaps* caps_to_link(GstElement* sink, GstCaps* filter) {
    if (!is_being_built(sink)) {
        return nullptr;
    }
    return filter ? gst_caps_ref(filter) : gst_caps_new_any();
}

std::shared_ptr<const SlotFormat> slot_format(GstElement* sink, GstCaps* caps) {
    const auto info = video_info(caps);
    if (!info) {
        GST_ELEMENT_ERROR(sink, STREAM, FORMAT, ("These caps are not raw video."),
                          ("%" GST_PTR_FORMAT, printable(caps)));
        return nullptr;
    }
    VideoLayout layout = video_layout(*info);
    GST_INFO_OBJECT(sink, "%" GST_PTR_FORMAT " as %s", printable(caps), layout.array.to_string().c_str());
    return std::make_shared<SlotFormat>(SlotFormat{*info, std::move(layout), attributes_of(caps)});
}

void offer_slots(GstQuery* query, const std::shared_ptr<TagWriter>& writer) {
    GstCaps* caps = nullptr;
    gst_query_parse_allocation(query, &caps, nullptr);
    const auto format = writer->format();
    const auto info = caps ? video_info(caps) : std::nullopt;
    if (info && format && gst_video_info_is_equal(&*info, &format->info)) {
        const Owned<GstBufferPool> pool = slot_pool_new(writer, format);
        const auto size = static_cast<guint>(GST_VIDEO_INFO_SIZE(&*info));
        gst_query_add_allocation_pool(query, pool.get(), size, 0, 0);
    }
    // These metas cross with the frame, so upstream may leave their work to the receiver of the buffer.
    for (const GType api : {GST_VIDEO_META_API_TYPE, GST_VIDEO_CROP_META_API_TYPE,
                            GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE, GST_VIDEO_TIME_CODE_META_API_TYPE,
                            GST_REFERENCE_TIMESTAMP_META_API_TYPE, GST_VIDEO_CAPTION_META_API_TYPE}) {
        gst_query_add_allocation_meta(query, api, nullptr);
    }
}

}  // namespace ndsharray::gst
