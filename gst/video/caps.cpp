// SPDX-License-Identifier: BSD-3-Clause
// The caps that there are arrays for, and those that an array without caps most likely has.
#include "video/caps.hpp"

#include <cstdint>
#include <limits>

#include "video/bayer.hpp"

namespace ndsharray::gst {
namespace {

GstVideoFormat format_for_array(const ArraySpec& array) {
    const bool little = array.byte_order == ByteOrder::Little;
    const std::uint64_t channels = array.ndim == 3 ? array.shape[2] : 0;
    if (array.dtype == DType::UInt8 && array.ndim == 2)
        return GST_VIDEO_FORMAT_GRAY8;
    if (array.dtype == DType::UInt16 && array.ndim == 2)
        return little ? GST_VIDEO_FORMAT_GRAY16_LE : GST_VIDEO_FORMAT_GRAY16_BE;
    if (array.dtype == DType::UInt8 && channels == 3)
        return GST_VIDEO_FORMAT_RGB;
    if (array.dtype == DType::UInt8 && channels == 4)
        return GST_VIDEO_FORMAT_RGBA;
    if (array.dtype == DType::UInt16 && channels == 4)
        return little ? GST_VIDEO_FORMAT_RGBA64_LE : GST_VIDEO_FORMAT_RGBA64_BE;
    return GST_VIDEO_FORMAT_UNKNOWN;
}

bool is_video_size(std::uint64_t pixels) {
    return pixels >= 1 && pixels <= std::numeric_limits<gint>::max();
}

}  // namespace

GstCaps* caps_for_array(const ArraySpec& array) {
    const GstVideoFormat format = format_for_array(array);
    if (format == GST_VIDEO_FORMAT_UNKNOWN || !is_video_size(array.shape[0]) ||
        !is_video_size(array.shape[1]))
        return nullptr;
    GstVideoInfo info;
    if (!gst_video_info_set_format(&info, format, static_cast<guint>(array.shape[1]),
                                   static_cast<guint>(array.shape[0])))
        return nullptr;
    return gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, gst_video_format_to_string(format),
                               "width", G_TYPE_INT, info.width, "height", G_TYPE_INT, info.height,
                               "framerate", GST_TYPE_FRACTION, 0, 1, nullptr);
}

std::optional<GstVideoInfo> video_info(const GstCaps* caps) {
    if (!gst_caps_is_fixed(caps)) {
        return std::nullopt;
    }
    if (bayer_format(caps)) {
        return bayer_info(caps);
    }
    GstVideoInfo info;
    const bool is_raw = gst_structure_has_name(gst_caps_get_structure(caps, 0), "video/x-raw");
    return is_raw && gst_video_info_from_caps(&info, caps) ? std::optional(info) : std::nullopt;
}

GstCaps* video_template_caps() {
    guint count = 0;
    const GstVideoFormat* formats = gst_video_formats_raw(&count);
    GstCaps* caps = gst_video_make_raw_caps(formats, count);
    GstCaps* fields = gst_video_make_raw_caps_with_features(
        formats, count, gst_caps_features_new(GST_CAPS_FEATURE_FORMAT_INTERLACED, nullptr));
    gst_caps_set_simple(fields, "interlace-mode", G_TYPE_STRING, "alternate", nullptr);
    gst_caps_append(caps, fields);
    gst_caps_append(caps, bayer_template_caps());
    return caps;
}

}  // namespace ndsharray::gst
