// SPDX-License-Identifier: BSD-3-Clause
// The caps that there are arrays for, and the caps of the frames of a segment.
#include "video/caps.hpp"

#include <ndsharray/error.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

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

// Caps of raw video have a few hundred characters. Without a limit, a hostile string could make GStreamer's
// recursive parser use up the stack.
constexpr std::size_t longest_caps = 4096;

std::string quoted(std::string text) {
    constexpr std::size_t enough = 300;
    if (text.size() > enough)
        text.replace(enough, std::string::npos, "...");
    return '"' + text + '"';
}

std::string quoted(const GstCaps* caps) {
    return quoted(std::string(to_string(caps).get()));
}

bool is_video(GstCaps* caps) {
    const Owned<GstCaps> all(video_template_caps());
    return gst_caps_is_fixed(caps) && gst_caps_can_intersect(caps, all.get());
}

/// Such as compressed video.
bool is_other_medium(const GstCaps* caps) {
    return !gst_caps_is_any(caps) && !gst_caps_is_empty(caps) &&
           !gst_structure_has_name(gst_caps_get_structure(caps, 0), "video/x-raw");
}

/// Fixed caps together with their layout, if the array can hold such frames.
std::optional<FrameCaps> fitting(Owned<GstCaps> caps, const ArraySpec& array) {
    const auto info = is_video(caps.get()) ? video_info(caps.get()) : std::nullopt;
    if (!info) {
        return std::nullopt;
    }
    FrameCaps result;
    result.info = *info;
    auto layout = video_layout(result.info, array);
    if (!layout) {
        return std::nullopt;
    }
    result.layout = *std::move(layout);
    result.caps = std::move(caps);
    return result;
}

FrameCaps written_caps(const std::string& text, const ArraySpec& array) {
    const bool readable = text.size() <= longest_caps && g_utf8_validate(text.c_str(), text.size(), nullptr);
    Owned<GstCaps> caps(readable ? gst_caps_from_string(text.c_str()) : nullptr);
    if (!caps || !is_video(caps.get())) {
        const std::string shown = readable ? quoted(text) : "in no readable form";
        throw NoCaps("The frames are not raw video, their caps are " + shown +
                     (caps && is_other_medium(caps.get()) ? "; decode them before they are written." : "."));
    }
    const std::string shown = quoted(caps.get());
    if (auto result = fitting(std::move(caps), array)) {
        return *std::move(result);
    }
    throw NoCaps("An array " + array.to_string() + " does not hold frames of the caps " + shown + ".");
}

Owned<GstCaps> caps_of_size(std::uint64_t width, std::uint64_t height) {
    constexpr std::uint64_t most = std::numeric_limits<gint>::max();
    if (width == 0 || height == 0 || width > most || height > most) {
        return nullptr;
    }
    Owned<GstCaps> caps(gst_caps_from_string("video/x-raw; video/x-bayer"));
    gst_caps_set_simple(caps.get(), "width", G_TYPE_INT, static_cast<gint>(width), "height", G_TYPE_INT,
                        static_cast<gint>(height), nullptr);
    return caps;
}

/// Possible caps of this array: anything, the default, then each size that a format with this shape can have.
/// Entries may be empty.
std::array<Owned<GstCaps>, 6> candidates(const ArraySpec& array) {
    std::array<Owned<GstCaps>, 6> result;
    result[0].reset(gst_caps_new_any());
    result[1].reset(caps_for_array(array));
    if (result[1]) {
        result[1].reset(gst_caps_make_writable(result[1].release()));
        gst_structure_remove_field(gst_caps_get_structure(result[1].get(), 0), "framerate");
    }
    const auto& shape = array.shape;
    if (array.ndim == 2 || array.ndim == 3) {
        result[2] = caps_of_size(shape[1], shape[0]);
    }
    if (array.ndim == 2) {
        result[3] = caps_of_size(shape[1], shape[0] / 3 * 2);  // 4:2:0 rows
        result[4] = caps_of_size(shape[1], shape[0] / 2);      // 4:2:2 rows
    }
    if (array.ndim == 3) {
        result[5] = caps_of_size(shape[2], shape[1]);  // planes
    }
    return result;
}

/// The caps of the user, with the fields that only the array knows.
std::optional<FrameCaps> completed(GstCaps* given, GstCaps* candidate, const ArraySpec& array) {
    Owned<GstCaps> caps(gst_caps_intersect_full(given, candidate, GST_CAPS_INTERSECT_FIRST));
    if (gst_caps_is_empty(caps.get()) || gst_caps_is_any(caps.get())) {
        return std::nullopt;
    }
    caps.reset(gst_caps_truncate(caps.release()));
    caps.reset(gst_caps_make_writable(caps.release()));
    GstStructure* structure = gst_caps_get_structure(caps.get(), 0);
    for (const char* field : {"format", "width", "height"}) {
        if (!gst_structure_has_field(structure, field)) {
            return std::nullopt;
        }
    }
    if (!gst_structure_has_field(structure, "framerate")) {
        gst_structure_set(structure, "framerate", GST_TYPE_FRACTION, 0, 1, nullptr);
    }
    caps.reset(gst_caps_fixate(caps.release()));
    return fitting(std::move(caps), array);
}

FrameCaps given_caps(GstCaps* given, const ArraySpec& array) {
    for (const auto& candidate : candidates(array)) {
        auto result = candidate ? completed(given, candidate.get(), array) : std::nullopt;
        if (result) {
            return *std::move(result);
        }
    }
    throw NoCaps("An array " + array.to_string() + " does not hold frames of the caps " + quoted(given) +
                 " of the caps property.");
}

FrameCaps default_caps(const ArraySpec& array) {
    Owned<GstCaps> caps(caps_for_array(array));
    if (!caps) {
        throw NoCaps("An array " + array.to_string() +
                     " was written without caps, and its shape fits several formats: set the caps property, "
                     "such as caps=video/x-raw,format=I420.");
    }
    if (auto result = fitting(std::move(caps), array)) {
        return *std::move(result);
    }
    throw NoCaps("An array " + array.to_string() +
                 " with these strides is not a video frame: only rows may have padding, the last "
                 "row too.");
}

}  // namespace

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

Attributes attributes_of(const GstCaps* caps) {
    Attributes attributes = {{caps_attribute, to_string(caps).get()}};
    if (const auto bayer = bayer_format(caps)) {
        attributes.emplace("bayer", bayer->pattern);
        attributes.emplace("bits", std::to_string(bayer->bits));
    }
    return attributes;
}

FrameCaps frame_caps(const ArraySpec& array, const Attributes& attributes, GstCaps* given) {
    if (const auto written = attributes.find(caps_attribute); written != attributes.end()) {
        return written_caps(written->second, array);
    }
    return given ? given_caps(given, array) : default_caps(array);
}

}  // namespace ndsharray::gst
