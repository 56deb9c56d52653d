// SPDX-License-Identifier: BSD-3-Clause
// Video frames as arrays: the array for a frame of given caps, and the places of GStreamer's planes in it.
// GstVideoFormatInfo describes the format. So a format that is newer than this code gets the right array, or
// (bytes,) if it has an unknown feature.
#include "video/video_layout.hpp"

#include <ndsharray/error.hpp>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>

#include "video/bayer.hpp"

namespace ndsharray::gst {
namespace {

enum class Form {
    Packed,  ///< (H, W) or (H, W, C): one plane. An element is a channel of a pixel, or a whole pixel
    Planes,  ///< (P, H, W): planes of one component each, all of full size
    Rows,    ///< (H*3/2, W), (H*2, W), ...: other planes, one after another, as rows of W elements
    Bytes,   ///< (bytes,): all others: components across bytes, tiles, palettes, incomplete chroma samples
};

// ----------------------------------------------------------------------------------------------- formats

/// The layout of a format's components in memory, for any size of the frame.
struct FormatLayout {
    Form form = Form::Bytes;
    DType dtype = DType::UInt8;
    ByteOrder byte_order = native_byte_order;
    std::uint64_t channels = 1;  // elements of a pixel (Packed)
};

constexpr guint understood_flags = GST_VIDEO_FORMAT_FLAG_YUV | GST_VIDEO_FORMAT_FLAG_RGB |
                                   GST_VIDEO_FORMAT_FLAG_GRAY | GST_VIDEO_FORMAT_FLAG_ALPHA |
                                   GST_VIDEO_FORMAT_FLAG_LE | GST_VIDEO_FORMAT_FLAG_UNPACK;

std::optional<DType> unsigned_dtype(std::uint64_t bytes) {
    switch (bytes) {
        case 1:
            return DType::UInt8;
        case 2:
            return DType::UInt16;
        case 4:
            return DType::UInt32;
        default:
            return std::nullopt;
    }
}

ByteOrder byte_order_of(const GstVideoFormatInfo& format) {
    switch (format.format) {
        case GST_VIDEO_FORMAT_v216:  // always little-endian, so GStreamer sets no flag
        case GST_VIDEO_FORMAT_Y210:
        case GST_VIDEO_FORMAT_Y410:
            return ByteOrder::Little;
        default:
            return GST_VIDEO_FORMAT_INFO_IS_LE(&format) ? ByteOrder::Little : ByteOrder::Big;
    }
}

/// Number of whole bytes that the widest component needs.
std::uint64_t component_bytes(const GstVideoFormatInfo& format) {
    const auto* end = format.depth + format.n_components;
    return (*std::max_element(format.depth, end) + 7u) / 8u;
}

guint horizontal_subsampling(const GstVideoFormatInfo& format) {
    return *std::max_element(format.w_sub, format.w_sub + format.n_components);
}

guint vertical_subsampling(const GstVideoFormatInfo& format) {
    return *std::max_element(format.h_sub, format.h_sub + format.n_components);
}

FormatLayout packed_layout(const GstVideoFormatInfo& format) {
    const guint shared = horizontal_subsampling(format);  // 2^shared pixels share their chroma
    const auto pixel_bytes = static_cast<std::uint64_t>(format.pixel_stride[0]);
    std::uint64_t components = 0;  // of these pixels
    for (guint c = 0; c < format.n_components; ++c) {
        if (format.pixel_stride[c] != format.pixel_stride[0] << format.w_sub[c] || format.h_sub[c] != 0)
            return {};
        components += 1u << (shared - format.w_sub[c]);
    }

    const bool separate = components * component_bytes(format) <= pixel_bytes << shared;
    if (!separate && shared != 0)
        return {};
    const std::uint64_t element_bytes = separate ? component_bytes(format) : pixel_bytes;
    const auto dtype = unsigned_dtype(element_bytes);
    if (!dtype || pixel_bytes % element_bytes != 0)
        return {};
    return {Form::Packed, *dtype, byte_order_of(format), pixel_bytes / element_bytes};
}

FormatLayout planar_layout(const GstVideoFormatInfo& format) {
    const auto dtype = unsigned_dtype(component_bytes(format));
    std::array<guint, GST_VIDEO_MAX_PLANES> components{};
    for (guint c = 0; c < format.n_components; ++c)
        ++components[format.plane[c]];
    bool alike = format.n_planes == format.n_components;
    for (guint c = 0; c < format.n_components; ++c) {
        const std::uint64_t expected = components[format.plane[c]] * component_bytes(format);
        if (static_cast<std::uint64_t>(format.pixel_stride[c]) != expected)
            return {};
        alike = alike && format.w_sub[c] == 0 && format.h_sub[c] == 0;
    }
    if (!dtype)
        return {};
    return {alike ? Form::Planes : Form::Rows, *dtype, byte_order_of(format)};
}

FormatLayout format_layout(const GstVideoFormatInfo& format) {
    const auto* end = format.pixel_stride + format.n_components;
    const bool has_pixels = format.n_components > 0 && std::find(format.pixel_stride, end, 0) == end;
    if ((format.flags & ~understood_flags) != 0 || !has_pixels)
        return {};
    FormatLayout layout = format.n_planes == 1 ? packed_layout(format) : planar_layout(format);
    if (layout.dtype == DType::UInt8)
        layout.byte_order = native_byte_order;
    return layout;
}

// ------------------------------------------------------------------------------------------------ arrays

/// The form and the planes of the frames of some caps.
struct FrameLayout {
    Form form = Form::Bytes;
    ArraySpec tight;  ///< without padding; not set where the form is Bytes
    guint n_planes = 0;
    std::array<PlaneSize, GST_VIDEO_MAX_PLANES> planes{};
};

/// Not checked: the caller uses ArraySpec::problem().
ArraySpec array_spec(DType dtype, ByteOrder byte_order, std::span<const std::uint64_t> shape) {
    ArraySpec spec;
    spec.dtype = dtype;
    spec.byte_order = byte_order;
    spec.ndim = static_cast<std::uint32_t>(shape.size());
    std::uint64_t bytes = item_size(dtype);
    for (std::size_t i = shape.size(); i-- > 0;) {
        spec.shape[i] = shape[i];
        spec.strides[i] = static_cast<std::int64_t>(bytes);
        bytes *= shape[i];
    }
    spec.bytes = bytes;
    return spec;
}

ArraySpec array_spec(const FormatLayout& format, std::initializer_list<std::uint64_t> shape) {
    return array_spec(format.dtype, format.byte_order, {shape.begin(), shape.size()});
}

/// Whether every chroma sample covers only pixels of this frame. Each field of an interlaced frame is
/// subsampled by itself, and GStreamer's code then touches whole pairs of chroma rows.
bool divides_evenly(const GstVideoInfo& info) {
    const guint x = horizontal_subsampling(*info.finfo);
    const guint y = vertical_subsampling(*info.finfo);
    const guint fields = y != 0 && GST_VIDEO_INFO_IS_INTERLACED(&info) ? 2 : 1;
    const auto width = static_cast<guint>(GST_VIDEO_INFO_WIDTH(&info));
    const auto height = static_cast<guint>(GST_VIDEO_INFO_FIELD_HEIGHT(&info));
    return width % (1u << x) == 0 && height % (fields << y) == 0;
}

ArraySpec bytes_spec(std::uint64_t bytes) {
    return array_spec(DType::UInt8, native_byte_order, {&bytes, 1});
}

/// GStreamer's own layout for these caps. For a mosaic, the layout that its elements use. The size is 0 if
/// GStreamer has no layout.
GstVideoInfo default_info(const GstVideoInfo& info) {
    GstVideoInfo plain;
    gst_video_info_init(&plain);
    const auto width = static_cast<guint>(GST_VIDEO_INFO_WIDTH(&info));
    const auto height = static_cast<guint>(GST_VIDEO_INFO_HEIGHT(&info));
    if (!gst_video_info_set_interlaced_format(&plain, GST_VIDEO_INFO_FORMAT(&info),
                                              GST_VIDEO_INFO_INTERLACE_MODE(&info), width, height))
        gst_video_info_init(&plain);
    if (is_bayer(info) && !make_bayer(plain))
        gst_video_info_init(&plain);
    return plain;
}

FrameLayout frame_layout(const GstVideoInfo& info) {
    const FormatLayout format = format_layout(*info.finfo);
    const auto width = static_cast<std::uint64_t>(GST_VIDEO_INFO_WIDTH(&info));
    const auto height = static_cast<std::uint64_t>(GST_VIDEO_INFO_FIELD_HEIGHT(&info));

    FrameLayout frame;
    frame.n_planes = GST_VIDEO_INFO_N_PLANES(&info);
    std::uint64_t total = 0;
    for (guint p = 0; p < frame.n_planes; ++p) {
        frame.planes[p] = plane_size(info, p);
        total += frame.planes[p].row_bytes * frame.planes[p].rows;
    }
    const std::uint64_t row_bytes = width * item_size(format.dtype);
    if (format.form == Form::Bytes || total == 0 || !divides_evenly(info) || total % row_bytes != 0)
        return frame;

    frame.form = format.form;
    if (format.form == Form::Planes) {
        frame.tight = array_spec(format, {frame.n_planes, height, width});
    } else if (format.form == Form::Rows) {
        frame.tight = array_spec(format, {total / row_bytes, width});
    } else if (format.channels == 1) {
        frame.tight = array_spec(format, {height, width});
    } else {
        frame.tight = array_spec(format, {height, width, format.channels});
    }
    return frame;
}

// ------------------------------------------------------------------------------------------------ planes

/// Whether the strides are those of the tight array, from dimension `first` on. The stride of a dimension of
/// length 1 has no meaning.
bool is_tight_from(std::uint32_t first, const ArraySpec& array, const ArraySpec& tight) {
    for (std::uint32_t i = first; i < tight.ndim; ++i) {
        if (array.shape[i] > 1 && array.strides[i] != tight.strides[i])
            return false;
    }
    return true;
}

/// Bytes from row to row. If there is only one row, any stride is allowed. It is used if it is possible,
/// because GStreamer counts the padding as part of the size.
std::uint64_t row_stride(const ArraySpec& array, std::uint32_t dimension, const PlaneSize& plane) {
    const auto stride = static_cast<std::uint64_t>(array.strides[dimension]);
    const bool usable = stride >= plane.row_bytes && stride <= array.bytes;
    return plane.rows > 1 || usable ? stride : plane.row_bytes;
}

/// Places a plane, if GStreamer can express the place and all rows are inside the array.
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

/// The stride of the array gives the padding of each plane only if all planes have rows of the array's width.
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

/// Whether GStreamer's default layout is right. GStreamer calculates it as `int`, and tile counts in 16 bits.
/// So the sizes in untrusted caps may wrap: for GStreamer 1.22, BGRx 1409506256x1 has 1343057728 bytes.
bool is_sound(const GstVideoInfo& plain) {
    constexpr gint largest_tiled = 16384;
    constexpr std::uint64_t palette_bytes = 1024;  // for any size of the frame
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

/// The frame's array with the strides of GStreamer's default layout. Its planes may still be elsewhere.
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

PlaneSize plane_size(const GstVideoInfo& info, guint plane) {
    const GstVideoFormatInfo& format = *info.finfo;
    PlaneSize size;
    for (guint c = 0; c < format.n_components; ++c) {
        if (format.plane[c] != plane)
            continue;
        const auto width = static_cast<std::uint64_t>(GST_VIDEO_INFO_COMP_WIDTH(&info, c));
        const auto rows = static_cast<std::uint64_t>(GST_VIDEO_INFO_COMP_HEIGHT(&info, c));
        const auto pixel_stride = static_cast<std::uint64_t>(format.pixel_stride[c]);
        size.row_bytes = std::max(size.row_bytes, width * pixel_stride);
        size.rows = std::max(size.rows, rows);
    }
    return size;
}

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
    result.size = layout.size();
    return result;
}

}  // namespace ndsharray::gst
