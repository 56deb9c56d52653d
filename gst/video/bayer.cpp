// SPDX-License-Identifier: BSD-3-Clause
// Mosaics of colour filters (video/x-bayer). GstVideoInfo does not know them. In memory they are grey frames.
#include "video/bayer.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

#include "owned.hpp"
#include "value.hpp"

namespace ndsharray::gst {
namespace {

constexpr const char* media_type = "video/x-bayer";
constexpr std::array<std::string_view, 4> patterns = {"bggr", "gbrg", "grbg", "rggb"};
constexpr std::array<unsigned, 4> wide_bits = {10, 12, 14, 16};

/// GStreamer's description of the grey format, at an address of our own. is_bayer() knows a mosaic by it.
const GstVideoFormatInfo* description(GstVideoFormat format) {
    static const std::array<GstVideoFormatInfo, 3> descriptions = {
        *gst_video_format_get_info(GST_VIDEO_FORMAT_GRAY8),
        *gst_video_format_get_info(GST_VIDEO_FORMAT_GRAY16_LE),
        *gst_video_format_get_info(GST_VIDEO_FORMAT_GRAY16_BE)};
    const auto* found = std::find_if(descriptions.begin(), descriptions.end(),
                                     [&](const auto& one) { return one.format == format; });
    return found == descriptions.end() ? nullptr : &*found;
}

GstVideoFormat grey_format(const BayerFormat& format) {
    if (format.bits == 8) {
        return GST_VIDEO_FORMAT_GRAY8;
    }
    return format.little_endian ? GST_VIDEO_FORMAT_GRAY16_LE : GST_VIDEO_FORMAT_GRAY16_BE;
}

std::optional<BayerFormat> parsed(std::string_view text) {
    for (const std::string_view pattern : patterns) {
        if (text == pattern) {
            return BayerFormat{std::string(pattern)};
        }
        for (const unsigned bits : wide_bits) {
            const std::string wide = std::string(pattern) + std::to_string(bits);
            if (text == wide + "le" || text == wide + "be") {
                return BayerFormat{std::string(pattern), bits, text == wide + "le"};
            }
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<BayerFormat> bayer_format(const GstCaps* caps) {
    if (gst_caps_is_any(caps) || gst_caps_get_size(caps) != 1) {
        return std::nullopt;
    }
    const GstStructure* structure = gst_caps_get_structure(caps, 0);
    const char* format = gst_structure_get_string(structure, "format");
    return gst_structure_has_name(structure, media_type) && format ? parsed(format) : std::nullopt;
}

std::optional<GstVideoInfo> bayer_info(const GstCaps* caps) {
    const auto format = bayer_format(caps);
    if (!format || !gst_caps_is_fixed(caps)) {
        return std::nullopt;
    }
    // Except for the format, all fields are those of raw video.
    const Owned<GstCaps> grey(gst_caps_copy(caps));
    GstStructure* structure = gst_caps_get_structure(grey.get(), 0);
    gst_structure_set_name(structure, "video/x-raw");
    gst_structure_set(structure, "format", G_TYPE_STRING, gst_video_format_to_string(grey_format(*format)),
                      nullptr);
    GstVideoInfo info;
    if (!gst_video_info_from_caps(&info, grey.get()) || !make_bayer(info)) {
        return std::nullopt;
    }
    return info;
}

bool is_bayer(const GstVideoInfo& info) {
    return info.finfo && info.finfo == description(info.finfo->format);
}

bool make_bayer(GstVideoInfo& info) {
    const GstVideoFormatInfo* mosaic = description(GST_VIDEO_INFO_FORMAT(&info));
    if (!mosaic || info.width <= 0 || info.height <= 0) {
        return false;
    }
    const auto pixels = (static_cast<std::uint64_t>(info.width) + 3) / 4 * 4;
    const std::uint64_t stride = pixels * static_cast<std::uint64_t>(mosaic->pixel_stride[0]);
    const auto rows = static_cast<std::uint64_t>(info.height);
    if (stride > std::numeric_limits<gint>::max() || stride * rows > std::numeric_limits<gint>::max()) {
        return false;
    }
    info.finfo = mosaic;
    info.stride[0] = static_cast<gint>(stride);
    info.size = static_cast<gsize>(stride * rows);
    return true;
}

GstVideoInfo bayer_of_size(const GstVideoInfo& info, gsize size) {
    const gint row = info.width * info.finfo->pixel_stride[0];
    for (const gint stride : {(row + 3) / 4 * 4, row}) {
        const gsize bytes = static_cast<gsize>(stride) * static_cast<gsize>(info.height);
        if (size == bytes && size < info.size) {
            GstVideoInfo found = info;
            found.stride[0] = stride;
            found.size = bytes;
            return found;
        }
    }
    return info;
}

GstCaps* bayer_template_caps() {
    GstCaps* caps =
        gst_caps_new_simple(media_type, "width", GST_TYPE_INT_RANGE, 1, std::numeric_limits<gint>::max(),
                            "height", GST_TYPE_INT_RANGE, 1, std::numeric_limits<gint>::max(), "framerate",
                            GST_TYPE_FRACTION_RANGE, 0, 1, std::numeric_limits<gint>::max(), 1, nullptr);
    Value formats(GST_TYPE_LIST);
    const auto append = [&](const std::string& format) {
        Value text(G_TYPE_STRING);
        g_value_set_string(text.get(), format.c_str());
        gst_value_list_append_value(formats.get(), text.get());
    };
    for (const std::string_view pattern : patterns) {
        append(std::string(pattern));
    }
    for (const unsigned bits : wide_bits) {
        for (const std::string_view pattern : patterns) {
            for (const char* order : {"le", "be"}) {
                append(std::string(pattern) + std::to_string(bits) + order);
            }
        }
    }
    gst_caps_set_value(caps, "format", formats.get());
    return caps;
}

}  // namespace ndsharray::gst
