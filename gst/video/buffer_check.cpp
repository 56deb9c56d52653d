// SPDX-License-Identifier: BSD-3-Clause
// Checks whether a buffer holds a frame of its caps.
#include "video/buffer_check.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "video/video_layout.hpp"

namespace ndsharray::gst {
namespace {

/// The rows that are read of a plane with this stride.
PlaneSize rows_of(const GstVideoInfo& info, guint plane, gint stride) {
    constexpr PlaneSize palette = {1024, 1};
    if (GST_VIDEO_FORMAT_INFO_HAS_PALETTE(info.finfo) && plane == GST_VIDEO_COMP_PALETTE) {
        return palette;
    }
    PlaneSize size = plane_size(info, plane);
    if (size.row_bytes == 0) {  // several pixels share bytes, so whole rows are copied
        size.row_bytes =
            static_cast<std::uint64_t>(std::min(std::abs(stride), GST_VIDEO_INFO_PLANE_STRIDE(&info, plane)));
    }
    return size;
}

/// A negative stride is allowed: the first row is then the last one in memory.
bool is_in_one_memory(GstBuffer* buffer, gsize offset, std::int64_t stride, const PlaneSize& plane) {
    const auto size = static_cast<std::int64_t>(gst_buffer_get_size(buffer));
    if (plane.rows == 0 || offset >= static_cast<gsize>(size)) {
        return offset < static_cast<gsize>(size);
    }
    const std::int64_t way = static_cast<std::int64_t>(plane.rows - 1) * stride;  // both are gint
    const std::int64_t begin = static_cast<std::int64_t>(offset) + std::min<std::int64_t>(way, 0);
    const std::int64_t length = std::abs(way) + static_cast<std::int64_t>(plane.row_bytes);
    guint index = 0, count = 0;
    gsize skip = 0;
    return begin >= 0 && length <= size - begin &&
           gst_buffer_find_memory(buffer, static_cast<gsize>(begin), static_cast<gsize>(length), &index,
                                  &count, &skip) &&
           count == 1;
}

/// The picture that is read. If it is to be cut, this is the whole picture of the buffer.
GstVideoInfo picture_in(const GstVideoMeta& meta, const GstVideoInfo& info, bool is_to_be_cut) {
    GstVideoInfo picture = info;
    if (is_to_be_cut) {
        GST_VIDEO_INFO_WIDTH(&picture) = static_cast<gint>(meta.width);
        GST_VIDEO_INFO_HEIGHT(&picture) = static_cast<gint>(meta.height);
    }
    return picture;
}

}  // namespace

bool fits(GstBuffer* buffer, const GstVideoInfo& info, const std::optional<Rectangle>& cut) {
    const GstVideoMeta* meta = gst_buffer_get_video_meta(buffer);
    if (!meta) {
        return gst_buffer_get_size(buffer) >= GST_VIDEO_INFO_SIZE(&info);
    }
    const GstVideoFormatInfo* format = info.finfo;
    if (meta->format != GST_VIDEO_INFO_FORMAT(&info) || meta->n_planes != GST_VIDEO_INFO_N_PLANES(&info) ||
        meta->width < static_cast<guint>(GST_VIDEO_INFO_WIDTH(&info)) ||
        meta->height < static_cast<guint>(GST_VIDEO_INFO_HEIGHT(&info))) {
        return false;
    }
    const GstVideoInfo picture = picture_in(*meta, info, cut.has_value());
    for (guint plane = 0; plane < meta->n_planes; ++plane) {
        const bool has_rows = !GST_VIDEO_FORMAT_INFO_IS_TILED(format);  // otherwise the stride counts tiles
        const gint stride = has_rows ? meta->stride[plane] : 0;
        const PlaneSize size = has_rows ? rows_of(picture, plane, stride) : PlaneSize{1, 1};
        if (!is_in_one_memory(buffer, meta->offset[plane], stride, size)) {
            return false;
        }
    }
    return true;
}

}  // namespace ndsharray::gst
