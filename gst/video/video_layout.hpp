// SPDX-License-Identifier: BSD-3-Clause
// Video frames as arrays: the array for a frame of given caps, and the places of GStreamer's planes in it.
#pragma once

#include <gst/video/video.h>

#include <ndsharray/array.hpp>

#include <array>
#include <cstdint>
#include <optional>

namespace ndsharray::gst {

/// The layout of a frame: an array, and the planes inside it.
struct VideoLayout {
    ArraySpec array;                                   ///< shape, strides, dtype, byte order, bytes
    std::array<gsize, GST_VIDEO_MAX_PLANES> offset{};  ///< of each plane, in bytes from the array's start
    std::array<gint, GST_VIDEO_MAX_PLANES> stride{};   ///< of each plane; tile counts in tiled formats
    bool is_default = false;  ///< whether planes and size are those of gst_video_info_set_format()

    /// Of the array, in bytes: video_layout() makes no layout that is larger than memory.
    gsize size() const noexcept { return static_cast<gsize>(array.bytes); }
};

/// The array for frames of these caps.
///
/// If array strides can express it, the planes are where GStreamer puts them by default. Otherwise the array
/// has no padding. A format that no shape describes is (bytes,) uint8 in GStreamer's default layout.
/// Only format, size and interlace mode of `info` count, not its offsets and strides.
/// \param info of caps that video_template_caps() includes
/// \throws Error InvalidArgument: the frame is so large that GStreamer's own sizes overflow.
VideoLayout video_layout(const GstVideoInfo& info);

/// The planes of a frame with these caps inside an array of another process.
///
/// Nothing in `array` is trusted. All rows of each plane, with their padding, are within `array.bytes`.
/// The array is that of video_layout(info), with any padding of rows. Or it is (bytes,) uint8 in GStreamer's
/// default layout, which is possible for all caps.
/// \returns nothing if the array cannot hold such a frame: it has another shape, dtype or byte order, too few
/// bytes, or strides that GStreamer cannot express.
std::optional<VideoLayout> video_layout(const GstVideoInfo& info, const ArraySpec& array);

/// Size of a plane, without padding.
struct PlaneSize {
    std::uint64_t row_bytes = 0;
    std::uint64_t rows = 0;
};

/// The size that the components of the plane need. 0 for a palette.
PlaneSize plane_size(const GstVideoInfo& info, guint plane);

/// `info` with the offsets, strides and size of the layout, to map a frame or to add a GstVideoMeta.
GstVideoInfo with_layout(const GstVideoInfo& info, const VideoLayout& layout);

}  // namespace ndsharray::gst
