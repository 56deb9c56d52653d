// SPDX-License-Identifier: BSD-3-Clause
// Caps of every format, kind of size and interlacing, to hold promises of the video layout against.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>

#include "format_table.hpp"
#include "gstreamer_is_ready.hpp"
#include "video/video_layout.hpp"

namespace ndsharray::gst {

inline void PrintTo(const VideoLayout& layout, std::ostream* out) {
    *out << layout.array.to_string() << " strides";
    for (std::uint32_t i = 0; i < layout.array.ndim; ++i)
        *out << ' ' << layout.array.strides[i];
    *out << " bytes " << layout.array.bytes << (layout.is_default ? " default" : " tight");
}

struct Size {
    guint width, height;
};

inline constexpr Size sizes[] = {{1, 1}, {2, 2},   {3, 3},  {5, 3},     {6, 4},
                                 {7, 5}, {16, 16}, {17, 9}, {320, 240}, {321, 241}};

inline constexpr GstVideoInterlaceMode interlace_modes[] = {
    GST_VIDEO_INTERLACE_MODE_PROGRESSIVE, GST_VIDEO_INTERLACE_MODE_INTERLEAVED,
    GST_VIDEO_INTERLACE_MODE_MIXED, GST_VIDEO_INTERLACE_MODE_ALTERNATE};

inline GstVideoInfo make_info(GstVideoFormat format, Size size,
                              GstVideoInterlaceMode mode = GST_VIDEO_INTERLACE_MODE_PROGRESSIVE) {
    GstVideoInfo info;
    EXPECT_TRUE(gst_video_info_set_interlaced_format(&info, format, mode, size.width, size.height));
    return info;
}

inline std::string to_text(const GstVideoInfo& info) {
    return std::string(GST_VIDEO_INFO_NAME(&info)) + " " + std::to_string(info.width) + "x" +
           std::to_string(info.height) + " " + gst_video_interlace_mode_to_string(info.interlace_mode);
}

inline void for_all_caps(const std::function<void(const GstVideoInfo&)>& check) {
    for (const GstVideoFormat format : raw_formats()) {
        for (const Size size : sizes) {
            for (const GstVideoInterlaceMode mode : interlace_modes) {
                const GstVideoInfo info = make_info(format, size, mode);
                SCOPED_TRACE(to_text(info));
                check(info);
                if (::testing::Test::HasFatalFailure())
                    return;
            }
        }
    }
}

/// Whether GStreamer's macros, and code that copies whole rows, stay inside the array.
inline bool planes_are_inside(const GstVideoInfo& info, const VideoLayout& layout) {
    const GstVideoFormatInfo& format = *info.finfo;
    const std::uint64_t end = layout.array.bytes;
    const auto width = static_cast<guint>(info.width);
    const auto height = static_cast<guint>(GST_VIDEO_INFO_FIELD_HEIGHT(&info));
    if (GST_VIDEO_FORMAT_INFO_IS_TILED(&format))
        return end >= info.size && end >= std::uint64_t{width} * height;
    for (guint c = 0; c < format.n_components; ++c) {
        const guint p = format.plane[c];
        const bool palette = GST_VIDEO_FORMAT_INFO_HAS_PALETTE(&format) && c == GST_VIDEO_COMP_PALETTE;
        const guint rows = palette ? 256 : static_cast<guint>(GST_VIDEO_INFO_COMP_HEIGHT(&info, c));
        const guint columns = palette ? 1 : static_cast<guint>(GST_VIDEO_INFO_COMP_WIDTH(&info, c));
        const std::uint64_t row_bytes = std::uint64_t{columns} * static_cast<guint>(format.pixel_stride[c]);
        if (layout.stride[p] <= 0 || layout.offset[p] > end)
            return false;
        const std::uint64_t room = end - layout.offset[p];  // rows * stride is less than 2^63
        const auto stride = static_cast<std::uint64_t>(layout.stride[p]);
        if (rows * stride > room || (rows - 1) * stride + row_bytes > room)
            return false;
    }
    return true;
}

}  // namespace ndsharray::gst
