// SPDX-License-Identifier: BSD-3-Clause
// The caps that there are arrays for, and those that an array without caps most likely has.
#pragma once

#include <gst/gst.h>

#include <ndsharray/array.hpp>

namespace ndsharray::gst {

/// What an array written without caps most likely is: (H,W) uint8 GRAY8, (H,W) uint16 GRAY16,
/// (H,W,3) uint8 RGB, (H,W,4) uint8 RGBA, (H,W,4) uint16 RGBA64; framerate 0/1.
/// \returns (transfer full) fixed caps; nullptr for any other array.
GstCaps* caps_for_array(const ArraySpec& array);

/// Raw video in every format that has a layout here, of any size and frame rate, whole frames or
/// alternating fields.
/// \returns (transfer full) caps for a pad template.
GstCaps* video_template_caps();

}  // namespace ndsharray::gst
