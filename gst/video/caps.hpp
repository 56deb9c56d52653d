// SPDX-License-Identifier: BSD-3-Clause
// The caps that there are arrays for, and those that an array without caps most likely has.
#pragma once

#include <gst/video/video.h>

#include <ndsharray/array.hpp>

#include <optional>

namespace ndsharray::gst {

/// What an array written without caps most likely is: (H,W) uint8 GRAY8, (H,W) uint16 GRAY16,
/// (H,W,3) uint8 RGB, (H,W,4) uint8 RGBA, (H,W,4) uint16 RGBA64; framerate 0/1.
/// \returns (transfer full) fixed caps; nullptr for any other array.
GstCaps* caps_for_array(const ArraySpec& array);

/// gst_video_info_from_caps(), which also takes a mosaic (video/x-bayer) for the grey frame that it is.
/// \returns nothing where the caps are neither.
std::optional<GstVideoInfo> video_info(const GstCaps* caps);

/// Raw video in every format that has a layout here, of any size and frame rate, whole frames or
/// alternating fields; and mosaics of colour filters.
/// \returns (transfer full) caps for a pad template.
GstCaps* video_template_caps();

}  // namespace ndsharray::gst
