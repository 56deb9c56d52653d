// SPDX-License-Identifier: BSD-3-Clause
// The table of formats in gst/README.md, as this GStreamer and video_layout() have it.
#include "format_table.hpp"

#include <map>
#include <numeric>
#include <tuple>

#include "video/video_layout.hpp"

namespace ndsharray::gst {
namespace {

// A size that no format's chroma divides unevenly, and whose sides cannot be taken for something else.
constexpr guint width = 320;
constexpr guint height = 240;

ArraySpec typical_array(GstVideoFormat format) {
    GstVideoInfo info;
    gst_video_info_set_format(&info, format, width, height);
    return video_layout(info).array;
}

std::string dimension_text(std::uint64_t length) {
    if (length == width)
        return "W";
    if (length < 8)
        return std::to_string(length);
    const std::uint64_t common = std::gcd(length, std::uint64_t{height});
    std::string text = "H";
    if (length != common)
        text += "*" + std::to_string(length / common);
    if (height != common)
        text += "/" + std::to_string(height / common);
    return text;
}

std::string shape_text(const ArraySpec& array) {
    if (array.ndim == 1)
        return "(bytes,)";
    std::string text;
    for (std::uint32_t i = 0; i < array.ndim; ++i)
        text += (i == 0 ? "(" : ", ") + dimension_text(array.shape[i]);
    return text + ")";
}

/// Packed formats first, then planes below each other, separate planes, and what has no shape.
int rank(const ArraySpec& array) {
    if (array.ndim == 1)
        return 4;
    if (array.shape[0] == height)
        return array.ndim == 2 ? 0 : 1;
    return array.ndim == 2 ? 2 : 3;
}

}  // namespace

std::span<const GstVideoFormat> raw_formats() {
    guint count = 0;
    const GstVideoFormat* formats = gst_video_formats_raw(&count);
    return {formats, count};
}

std::string array_form(GstVideoFormat format) {
    const ArraySpec array = typical_array(format);
    return std::string(name(array.dtype)) + " | " + shape_text(array);
}

std::string format_table() {
    std::map<std::tuple<int, DType, std::string>, std::string> rows;
    for (const GstVideoFormat format : raw_formats()) {
        const ArraySpec array = typical_array(format);
        std::string& formats = rows[{rank(array), array.dtype, array_form(format)}];
        formats += (formats.empty() ? "" : ", ") + std::string(gst_video_format_to_string(format));
    }

    guint major = 0, minor = 0, micro = 0, nano = 0;
    gst_version(&major, &minor, &micro, &nano);
    std::string text = "The formats of GStreamer " + std::to_string(major) + "." + std::to_string(minor) +
                       ". H and W are height and width in the caps; with `interlace-mode=alternate` H is "
                       "that of a field. A frame whose size does not divide evenly into its chroma samples "
                       "(an odd width in `I420`) is (bytes,) too.\n\n"
                       "| formats | dtype | shape |\n|---|---|---|\n";
    for (const auto& [key, formats] : rows)
        text += "| " + formats + " | " + std::get<2>(key) + " |\n";
    return text;
}

}  // namespace ndsharray::gst
