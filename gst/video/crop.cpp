// SPDX-License-Identifier: BSD-3-Clause
// GstVideoCropMeta: it crosses as metadata, or the sink cuts the picture before it publishes it.
#include "video/crop.hpp"

#include <algorithm>
#include <cstdint>

namespace ndsharray::gst {
namespace {

bool is_inside(const Rectangle& part, guint width, guint height) {
    // In 64 bits, no sum overflows.
    return part.width > 0 && part.height > 0 && std::uint64_t{part.x} + part.width <= width &&
           std::uint64_t{part.y} + part.height <= height;
}

Rectangle rectangle_of(const GstVideoCropMeta& crop) {
    return {crop.x, crop.y, crop.width, crop.height};
}

/// A part of a row or a column.
struct Range {
    guint begin = 0, length = 0;
};

/// The part of [begin, begin + length) that is in [from, from + most), counted from `from`.
Range moved(std::uint64_t begin, std::uint64_t length, std::uint64_t from, std::uint64_t most) {
    const std::uint64_t first = std::max(begin, from);
    const std::uint64_t end = std::min(begin + length, from + most);
    if (first >= end) {
        return {};
    }
    return {static_cast<guint>(first - from), static_cast<guint>(end - first)};
}

/// The first component in a plane.
guint component_in(const GstVideoFormatInfo* format, guint plane) {
    guint component = 0;
    while (component + 1 < GST_VIDEO_FORMAT_INFO_N_COMPONENTS(format) &&
           GST_VIDEO_FORMAT_INFO_PLANE(format, component) != plane) {
        ++component;
    }
    return component;
}

/// How many columns of a plane belong together, as a power of two: two in YUY2.
guint columns_sharing_chroma(const GstVideoFormatInfo* format, guint plane) {
    guint columns = 0;
    for (guint i = 0; i < GST_VIDEO_FORMAT_INFO_N_COMPONENTS(format); ++i) {
        if (GST_VIDEO_FORMAT_INFO_PLANE(format, i) == plane) {
            columns = std::max<guint>(columns, GST_VIDEO_FORMAT_INFO_W_SUB(format, i));
        }
    }
    return columns;
}

bool has_plain_pixels(const GstVideoFormatInfo* format) {
    if (GST_VIDEO_FORMAT_INFO_FLAGS(format) & GST_VIDEO_FORMAT_FLAG_COMPLEX) {
        return false;
    }
    for (guint i = 0; i < GST_VIDEO_FORMAT_INFO_N_COMPONENTS(format); ++i) {
        if (GST_VIDEO_FORMAT_INFO_PSTRIDE(format, i) <= 0) {
            return false;
        }
    }
    return !GST_VIDEO_FORMAT_INFO_IS_TILED(format);
}

}  // namespace

std::optional<Rectangle> cut_of(GstBuffer* buffer, const GstVideoInfo& info) {
    const GstVideoCropMeta* crop = gst_buffer_get_video_crop_meta(buffer);
    const GstVideoMeta* video = crop ? gst_buffer_get_video_meta(buffer) : nullptr;
    const auto width = static_cast<guint>(GST_VIDEO_INFO_WIDTH(&info));
    const auto height = static_cast<guint>(GST_VIDEO_INFO_HEIGHT(&info));
    const bool is_smaller = video && (video->width != width || video->height != height) &&
                            crop->width == width && crop->height == height;
    if (!is_smaller || !is_inside(rectangle_of(*crop), video->width, video->height)) {
        return std::nullopt;
    }
    return rectangle_of(*crop);
}

bool is_within(const GstVideoCropMeta& crop, const GstVideoInfo& info) {
    return is_inside(rectangle_of(crop), static_cast<guint>(GST_VIDEO_INFO_WIDTH(&info)),
                     static_cast<guint>(GST_VIDEO_INFO_HEIGHT(&info)));
}

std::optional<Rectangle> moved_into(const Rectangle& part, const Rectangle& cut) {
    const Range columns = moved(part.x, part.width, cut.x, cut.width);
    const Range rows = moved(part.y, part.height, cut.y, cut.height);
    if (columns.length == 0 || rows.length == 0) {
        return std::nullopt;
    }
    return Rectangle{columns.begin, rows.begin, columns.length, rows.length};
}

bool cut_frame(GstVideoFrame& frame, const Rectangle& cut) {
    const GstVideoFormatInfo* format = frame.info.finfo;
    if (!has_plain_pixels(format)) {
        return false;
    }
    for (guint plane = 0; plane < GST_VIDEO_FRAME_N_PLANES(&frame); ++plane) {
        const guint component = component_in(format, plane);
        const guint shared = columns_sharing_chroma(format, plane);
        const gsize row = cut.y >> GST_VIDEO_FORMAT_INFO_H_SUB(format, component);
        const gsize column = cut.x >> shared << shared >> GST_VIDEO_FORMAT_INFO_W_SUB(format, component);
        const auto stride = static_cast<gsize>(GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane));
        const auto pixel = static_cast<gsize>(GST_VIDEO_FORMAT_INFO_PSTRIDE(format, component));
        frame.data[plane] = static_cast<guint8*>(frame.data[plane]) + row * stride + column * pixel;
    }
    GST_VIDEO_INFO_WIDTH(&frame.info) = static_cast<gint>(cut.width);
    GST_VIDEO_INFO_HEIGHT(&frame.info) = static_cast<gint>(cut.height);
    return true;
}

}  // namespace ndsharray::gst
