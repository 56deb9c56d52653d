// SPDX-License-Identifier: BSD-3-Clause
// GstVideoMeta for frames in the layout of an array.
#include "video/video_meta.hpp"

#include <algorithm>

namespace ndsharray::gst {

void add_video_meta(GstBuffer* buffer, const GstVideoInfo& info, const VideoLayout& layout) {
    const GstVideoInfo laid_out = with_layout(info, layout);
    add_video_meta(buffer, laid_out);
}

void add_video_meta(GstBuffer* buffer, const GstVideoInfo& info) {
    GstVideoInfo copy = info;  // the call below may change its arrays
    gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(&copy),
                                   GST_VIDEO_INFO_WIDTH(&copy), GST_VIDEO_INFO_HEIGHT(&copy),
                                   GST_VIDEO_INFO_N_PLANES(&copy), copy.offset, copy.stride);
}

bool has_layout(GstBuffer* buffer, const GstVideoInfo& info, const VideoLayout& layout) {
    const GstVideoMeta* meta = gst_buffer_get_video_meta(buffer);
    if (!meta) {
        return layout.is_default;
    }
    const guint planes = GST_VIDEO_INFO_N_PLANES(&info);
    const bool is_whole = meta->width == static_cast<guint>(GST_VIDEO_INFO_WIDTH(&info)) &&
                          meta->height == static_cast<guint>(GST_VIDEO_INFO_HEIGHT(&info));
    return is_whole && meta->n_planes == planes &&
           std::equal(meta->offset, meta->offset + planes, layout.offset.begin()) &&
           std::equal(meta->stride, meta->stride + planes, layout.stride.begin());
}

void keep_metas(GstBuffer* buffer) {
    gst_buffer_foreach_meta(
        buffer,
        [](GstBuffer*, GstMeta** meta, gpointer) -> gboolean {
            (*meta)->flags = static_cast<GstMetaFlags>((*meta)->flags | GST_META_FLAG_POOLED);
            return TRUE;
        },
        nullptr);
}

}  // namespace ndsharray::gst
