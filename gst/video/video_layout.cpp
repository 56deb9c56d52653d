// SPDX-License-Identifier: BSD-3-Clause
// Video frames as arrays: which array holds a frame of given caps, and where GStreamer's planes are in it.
#include "video/video_layout.hpp"

#include <ndsharray/error.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "video/frame_layout.hpp"

namespace ndsharray::gst {
namespace {

/// Whether strides are those of the tight array from dimension `first` on. A stride nobody takes a step with
/// says nothing.
bool is_tight_from(std::uint32_t first, const ArraySpec& array, const ArraySpec& tight) {
    for (std::uint32_t i = first; i < tight.ndim; ++i) {
        if (array.shape[i] > 1 && array.strides[i] != tight.strides[i])
            return false;
    }
    return true;
}

/// Bytes from row to row. Where there is one row, the stride need not mean anything: take it if it can be
/// one, for it is the padding that GStreamer's size counts.
std::uint64_t row_stride(const ArraySpec& array, std::uint32_t dimension, const PlaneSize& plane) {
    const auto stride = static_cast<std::uint64_t>(array.strides[dimension]);
    const bool usable = stride >= plane.row_bytes && stride <= array.bytes;
    return plane.rows > 1 || usable ? stride : plane.row_bytes;
}

/// Puts a plane where it is said to be, if GStreamer can say it and all its rows are inside the array.
bool place(VideoLayout& layout, guint plane, const PlaneSize& size, std::uint64_t offset,
           std::uint64_t stride) {
    const std::uint64_t bytes = layout.array.bytes;
    if (stride > std::numeric_limits<gint>::max() || stride < size.row_bytes ||
        stride % item_size(layout.array.dtype) != 0)
        return false;
    if (offset > bytes || size.rows > (bytes - offset) / stride)
        return false;
    layout.offset[plane] = static_cast<gsize>(offset);
    layout.stride[plane] = static_cast<gint>(stride);
    return true;
}

bool place_packed(VideoLayout& layout, const FrameLayout& frame) {
    return is_tight_from(1, layout.array, frame.tight) &&
           place(layout, 0, frame.planes[0], 0, row_stride(layout.array, 0, frame.planes[0]));
}

bool place_planes(VideoLayout& layout, const FrameLayout& frame) {
    const auto distance = static_cast<std::uint64_t>(layout.array.strides[0]);
    if (!is_tight_from(2, layout.array, frame.tight) || distance % item_size(layout.array.dtype) != 0)
        return false;
    const std::uint64_t stride = row_stride(layout.array, 1, frame.planes[0]);
    for (guint p = 0; p < frame.n_planes; ++p) {
        if (!place(layout, p, frame.planes[p], p * distance, stride))
            return false;
    }
    return true;
}

/// Padded rows can be told from the array's stride only where every plane has rows of the array's width.
bool place_rows(VideoLayout& layout, const FrameLayout& frame) {
    const auto row_bytes = static_cast<std::uint64_t>(frame.tight.strides[0]);
    const auto stride = static_cast<std::uint64_t>(layout.array.strides[0]);
    if (!is_tight_from(1, layout.array, frame.tight))
        return false;
    std::uint64_t offset = 0;
    for (guint p = 0; p < frame.n_planes; ++p) {
        const PlaneSize& plane = frame.planes[p];
        if (stride != row_bytes && plane.row_bytes != row_bytes)
            return false;
        const std::uint64_t plane_stride = plane.row_bytes == row_bytes ? stride : plane.row_bytes;
        if (!place(layout, p, plane, offset, plane_stride))
            return false;
        offset += plane_stride * plane.rows;
    }
    return true;
}

/// Whether GStreamer's default layout can be believed: it is calculated in `int`, tile counts in 16 bits, so
/// the sizes in a stranger's caps may have wrapped: GStreamer 1.22 has BGRx 1409506256x1 in 1343057728 bytes.
bool is_sound(const GstVideoInfo& plain) {
    constexpr gint largest_tiled = 16384;
    constexpr std::uint64_t palette_bytes = 1024;  // whatever the size of the frame
    const GstVideoFormatInfo& format = *plain.finfo;
    if (plain.width <= 0 || plain.height <= 0)
        return false;
    if (GST_VIDEO_FORMAT_INFO_IS_TILED(&format))
        return plain.width <= largest_tiled && plain.height <= largest_tiled;

    for (guint c = 0; c < format.n_components; ++c) {
        const guint p = format.plane[c];
        if (plain.stride[p] <= 0 || plain.offset[p] > plain.size)
            return false;
        const bool is_palette = GST_VIDEO_FORMAT_INFO_HAS_PALETTE(&format) && c == GST_VIDEO_COMP_PALETTE;
        const auto width = static_cast<std::uint64_t>(GST_VIDEO_INFO_COMP_WIDTH(&plain, c));
        const auto stride = static_cast<std::uint64_t>(plain.stride[p]);
        const std::uint64_t bytes = is_palette ? palette_bytes : stride * plane_size(plain, p).rows;
        if (bytes > plain.size - plain.offset[p] || (!is_palette && stride * 8 < width * format.depth[c]))
            return false;
    }
    return true;
}

bool is_bytes(const ArraySpec& array) {
    return array.dtype == DType::UInt8 && array.ndim == 1 && (array.strides[0] == 1 || array.shape[0] <= 1);
}

bool place_bytes(VideoLayout& layout, const GstVideoInfo& plain) {
    if (!is_sound(plain) || layout.array.shape[0] < plain.size)
        return false;
    std::copy_n(plain.offset, GST_VIDEO_INFO_N_PLANES(&plain), layout.offset.begin());
    std::copy_n(plain.stride, GST_VIDEO_INFO_N_PLANES(&plain), layout.stride.begin());
    return true;
}

bool same_elements(const ArraySpec& array, const ArraySpec& tight) {
    return array.dtype == tight.dtype && array.ndim == tight.ndim &&
           std::equal(tight.shape.begin(), tight.shape.begin() + tight.ndim, array.shape.begin()) &&
           (item_size(array.dtype) == 1 || array.byte_order == tight.byte_order);
}

bool place_form(VideoLayout& layout, const FrameLayout& frame) {
    if (!same_elements(layout.array, frame.tight))
        return false;
    switch (frame.form) {
        case Form::Packed:
            return place_packed(layout, frame);
        case Form::Planes:
            return place_planes(layout, frame);
        case Form::Rows:
            return place_rows(layout, frame);
        case Form::Bytes:
            break;
    }
    return false;
}

bool has_planes_of(const VideoLayout& layout, const GstVideoInfo& plain) {
    const guint n_planes = GST_VIDEO_INFO_N_PLANES(&plain);
    return std::equal(plain.offset, plain.offset + n_planes, layout.offset.begin()) &&
           std::equal(plain.stride, plain.stride + n_planes, layout.stride.begin());
}

std::optional<VideoLayout> planes_in(const ArraySpec& array, const FrameLayout& frame,
                                     const GstVideoInfo& plain) {
    if (!array.problem().empty() || array.bytes > std::numeric_limits<gsize>::max())
        return std::nullopt;
    VideoLayout layout;
    layout.array = array;
    const bool placed = is_bytes(array) ? place_bytes(layout, plain) : place_form(layout, frame);
    if (!placed)
        return std::nullopt;
    layout.is_default = array.bytes == plain.size && has_planes_of(layout, plain);
    return layout;
}

/// The frame's array with the strides of GStreamer's default layout, which may or may not be what that is.
ArraySpec with_default_strides(const FrameLayout& frame, const GstVideoInfo& plain) {
    if (frame.form == Form::Bytes)
        return bytes_spec(plain.size);
    ArraySpec array = frame.tight;
    array.bytes = plain.size;
    array.strides[frame.form == Form::Planes ? 1 : 0] = plain.stride[0];
    if (frame.form == Form::Planes)
        array.strides[0] = static_cast<std::int64_t>(plain.offset[1]);
    return array;
}

}  // namespace

VideoLayout video_layout(const GstVideoInfo& info) {
    const GstVideoInfo plain = default_info(info);
    const FrameLayout frame = frame_layout(info);
    const auto as_default = planes_in(with_default_strides(frame, plain), frame, plain);
    if (as_default && as_default->is_default)
        return *as_default;
    if (frame.form != Form::Bytes) {
        if (const auto tight = planes_in(frame.tight, frame, plain))
            return *tight;
    }
    throw Error(ErrorCode::InvalidArgument, "GStreamer has no layout for video frames of " +
                                                std::to_string(info.width) + "x" +
                                                std::to_string(info.height) + " pixels in format " +
                                                GST_VIDEO_FORMAT_INFO_NAME(info.finfo));
}

std::optional<VideoLayout> video_layout(const GstVideoInfo& info, const ArraySpec& array) {
    return planes_in(array, frame_layout(info), default_info(info));
}

GstVideoInfo with_layout(const GstVideoInfo& info, const VideoLayout& layout) {
    GstVideoInfo result = info;
    std::copy(layout.offset.begin(), layout.offset.end(), result.offset);
    std::copy(layout.stride.begin(), layout.stride.end(), result.stride);
    result.size = static_cast<gsize>(layout.array.bytes);
    return result;
}

}  // namespace ndsharray::gst
