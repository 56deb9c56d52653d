// SPDX-License-Identifier: BSD-3-Clause
// Whether a buffer holds a frame of the caps it came with.
#include "frame_fit.hpp"

#include <algorithm>
#include <cstdint>

#include "crop.hpp"

namespace ndsharray::gst {
namespace {

struct Rows {
    std::int64_t bytes = 0, count = 0;
};

/// What is read of a plane, if a row is `stride` bytes after the one before.
Rows rows_of(const GstVideoInfo& info, guint plane, std::int64_t stride) {
    const GstVideoFormatInfo* format = info.finfo;
    Rows rows;
    for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS(&info); ++c) {
        if (GST_VIDEO_FORMAT_INFO_PLANE(format, c) == plane) {
            const std::int64_t pixel = GST_VIDEO_FORMAT_INFO_PSTRIDE(format, c);
            rows.bytes = std::max(rows.bytes, GST_VIDEO_INFO_COMP_WIDTH(&info, c) * pixel);
            rows.count = std::max<std::int64_t>(rows.count, GST_VIDEO_INFO_COMP_HEIGHT(&info, c));
        }
    }
    if (rows.bytes == 0) {  // several pixels share bytes: then whole rows are copied
        rows.bytes = std::min<std::int64_t>(std::abs(stride), GST_VIDEO_INFO_PLANE_STRIDE(&info, plane));
    }
    return rows;
}

/// Rows may go upwards, from the last one in memory to the first.
bool is_in_one_memory(GstBuffer* buffer, gsize offset, std::int64_t stride, const Rows& rows) {
    const gsize size = gst_buffer_get_size(buffer);
    const std::int64_t way = (rows.count - 1) * stride;  // below 2^62: both are gint
    if (rows.count <= 0 || offset >= size) {
        return offset < size;
    }
    const std::int64_t begin = static_cast<std::int64_t>(offset) + std::min<std::int64_t>(way, 0);
    const std::int64_t length = std::abs(way) + rows.bytes;
    guint index = 0, count = 0;
    gsize skip = 0;
    return begin >= 0 && static_cast<gsize>(length) <= size - static_cast<gsize>(begin) &&
           gst_buffer_find_memory(buffer, static_cast<gsize>(begin), static_cast<gsize>(length), &index,
                                  &count, &skip) &&
           count == 1;
}

/// The picture that is read: of a buffer that is to be cut, all that there is to be cut from.
GstVideoInfo picture_in(GstBuffer* buffer, const GstVideoMeta& meta, const GstVideoInfo& info) {
    GstVideoInfo picture = info;
    if (cut_of(buffer, info)) {
        GST_VIDEO_INFO_WIDTH(&picture) = static_cast<gint>(meta.width);
        GST_VIDEO_INFO_HEIGHT(&picture) = static_cast<gint>(meta.height);
    }
    return picture;
}

}  // namespace

bool fits(GstBuffer* buffer, const GstVideoInfo& info) {
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
    const GstVideoInfo picture = picture_in(buffer, *meta, info);
    for (guint plane = 0; plane < meta->n_planes; ++plane) {
        const bool has_rows = !GST_VIDEO_FORMAT_INFO_IS_TILED(format);  // else the stride counts tiles
        const std::int64_t stride = has_rows ? meta->stride[plane] : 0;
        const Rows rows = has_rows ? rows_of(picture, plane, stride) : Rows{1, 1};
        if (!is_in_one_memory(buffer, meta->offset[plane], stride, rows)) {
            return false;
        }
    }
    return true;
}

}  // namespace ndsharray::gst
