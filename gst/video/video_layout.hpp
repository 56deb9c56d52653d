// SPDX-License-Identifier: BSD-3-Clause
// Video frames as arrays: which array holds a frame of given caps, and where GStreamer's planes are in it.
#pragma once

#include <gst/video/video.h>

#include <ndsharray/array.hpp>

#include <array>
#include <cstdint>
#include <optional>

namespace ndsharray::gst {

/// One frame seen from both sides: an array, and planes inside that array.
struct VideoLayout {
    ArraySpec array;                                   ///< shape, strides, dtype, byte order, bytes
    std::array<gsize, GST_VIDEO_MAX_PLANES> offset{};  ///< of each plane, in bytes from the array's start
    std::array<gint, GST_VIDEO_MAX_PLANES> stride{};   ///< of each plane; tile counts in tiled formats
    bool is_default = false;  ///< planes and size are those of gst_video_info_set_format()
};

/// The array for frames of these caps.
///
/// The planes stay where GStreamer puts them by default wherever array strides can say so; else the array is
/// without padding; what no shape describes is (bytes,) uint8, the planes in GStreamer's default layout.
/// Only format, size and interlace mode of `info` count, not the offsets and strides it may carry.
/// \param info of caps that video_template_caps() includes
/// \throws Error InvalidArgument: a frame so large that GStreamer's own sizes overflow.
VideoLayout video_layout(const GstVideoInfo& info);

/// The planes of a frame with these caps inside an array somebody else wrote.
///
/// Nothing in `array` is trusted. Each plane found has all its rows, padding included, within `array.bytes`.
/// Besides the array that video_layout(info) describes, with whatever row padding, (bytes,) uint8 in
/// GStreamer's default layout holds a frame of any caps.
/// \returns nothing where the array cannot hold such a frame: other shape, dtype or byte order, strides that
/// GStreamer's cannot express, or too few bytes.
std::optional<VideoLayout> video_layout(const GstVideoInfo& info, const ArraySpec& array);

/// Size of a plane, without padding.
struct PlaneSize {
    std::uint64_t row_bytes = 0;
    std::uint64_t rows = 0;
};

/// Of the components in the plane; nothing for a palette.
PlaneSize plane_size(const GstVideoInfo& info, guint plane);

/// `info` with the layout's offsets, strides and size, for mapping a frame or adding a GstVideoMeta.
GstVideoInfo with_layout(const GstVideoInfo& info, const VideoLayout& layout);

}  // namespace ndsharray::gst
