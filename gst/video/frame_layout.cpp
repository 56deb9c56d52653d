// SPDX-License-Identifier: BSD-3-Clause
// The form that the array for frames of some caps has. What GstVideoFormatInfo says about a format decides,
// so that a format newer than this code gets the right form or, where it says something unknown, (bytes,).
#include "video/frame_layout.hpp"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <span>

#include "video/bayer.hpp"

namespace ndsharray::gst {
namespace {

/// How a format's components lie in memory, whatever the size of the frame.
struct FormatLayout {
    Form form = Form::Bytes;
    DType dtype = DType::UInt8;
    ByteOrder byte_order = native_byte_order;
    std::uint64_t channels = 1;  // elements of a pixel (Packed)
};

// ---------------------------------------------------------------------------------------------- formats

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
        case GST_VIDEO_FORMAT_v216:  // little-endian by definition, so GStreamer does not flag it
        case GST_VIDEO_FORMAT_Y210:
        case GST_VIDEO_FORMAT_Y410:
            return ByteOrder::Little;
        default:
            return GST_VIDEO_FORMAT_INFO_IS_LE(&format) ? ByteOrder::Little : ByteOrder::Big;
    }
}

/// Whole bytes that the widest component needs.
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
    std::uint64_t components = 0;  // of those pixels
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

// ---------------------------------------------------------------------------------------------- frames

/// A spec as it is said to be: problem() is for whoever uses it.
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

/// Whether every chroma sample covers pixels of this frame only. Interlaced frames are subsampled field by
/// field, and GStreamer's code then touches whole pairs of chroma rows.
bool divides_evenly(const GstVideoInfo& info) {
    const guint x = horizontal_subsampling(*info.finfo);
    const guint y = vertical_subsampling(*info.finfo);
    const guint fields = y != 0 && GST_VIDEO_INFO_IS_INTERLACED(&info) ? 2 : 1;
    const auto width = static_cast<guint>(GST_VIDEO_INFO_WIDTH(&info));
    const auto height = static_cast<guint>(GST_VIDEO_INFO_FIELD_HEIGHT(&info));
    return width % (1u << x) == 0 && height % (fields << y) == 0;
}

}  // namespace

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

ArraySpec bytes_spec(std::uint64_t bytes) {
    return array_spec(DType::UInt8, native_byte_order, {&bytes, 1});
}

}  // namespace ndsharray::gst
