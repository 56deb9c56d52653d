// SPDX-License-Identifier: BSD-3-Clause
// The form that the array for frames of some caps has, and what it needs.
#pragma once

#include <gst/video/video.h>

#include <ndsharray/array.hpp>

#include <array>
#include <cstdint>

namespace ndsharray::gst {

enum class Form {
    Packed,  ///< (H, W) or (H, W, C): one plane with the channels of a pixel, or all of a pixel in one word
    Planes,  ///< (P, H, W): planes of one component each, all of full size
    Rows,    ///< (H*3/2, W), (H*2, W), ...: other planes, as rows of W elements, one plane after the other
    Bytes,   ///< (bytes,): everything else; bits across bytes, tiles, palettes, partial chroma
};

struct PlaneSize {
    std::uint64_t row_bytes = 0;  ///< without padding
    std::uint64_t rows = 0;
};

/// What the frames of some caps need.
struct FrameLayout {
    Form form = Form::Bytes;
    ArraySpec tight;  ///< without padding; not set where the form is Bytes
    guint n_planes = 0;
    std::array<PlaneSize, GST_VIDEO_MAX_PLANES> planes{};
};

FrameLayout frame_layout(const GstVideoInfo& info);

/// Of the components in it; nothing for a palette.
PlaneSize plane_size(const GstVideoInfo& info, guint plane);

/// GStreamer's own layout for these caps, that of its elements for a mosaic; of size 0 where GStreamer has
/// none.
GstVideoInfo default_info(const GstVideoInfo& info);

/// (bytes,) uint8.
ArraySpec bytes_spec(std::uint64_t bytes);

}  // namespace ndsharray::gst
