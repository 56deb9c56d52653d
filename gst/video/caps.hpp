// SPDX-License-Identifier: BSD-3-Clause
// The caps that there are arrays for, and the caps of the frames of a segment.
#pragma once

#include <gst/video/video.h>

#include <ndsharray/array.hpp>
#include <ndsharray/attributes.hpp>

#include <optional>
#include <stdexcept>

#include "owned.hpp"
#include "video/video_layout.hpp"

namespace ndsharray::gst {

/// Raw video in every format that has a layout here, of any size and frame rate, whole frames or
/// alternating fields; and mosaics of colour filters.
/// \returns (transfer full) caps for a pad template.
GstCaps* video_template_caps();

/// gst_video_info_from_caps(), which also takes a mosaic (video/x-bayer) for the grey frame that it is.
/// \returns nothing where the caps are neither.
std::optional<GstVideoInfo> video_info(const GstCaps* caps);

/// What an array written without caps most likely is: (H,W) uint8 GRAY8, (H,W) uint16 GRAY16,
/// (H,W,3) uint8 RGB, (H,W,4) uint8 RGBA, (H,W,4) uint16 RGBA64; framerate 0/1.
/// \returns (transfer full) fixed caps; nullptr for any other array.
GstCaps* caps_for_array(const ArraySpec& array);

/// The attribute in which the elements keep the caps of a segment.
inline constexpr const char* caps_attribute = "caps";

/// What a segment with frames of these caps says of them: the caps and, of a mosaic, its `bayer` pattern and
/// the `bits` of a pixel, for programs that do not read caps.
Attributes attributes_of(const GstCaps* caps);

struct FrameCaps {
    Owned<GstCaps> caps;
    GstVideoInfo info{};
    VideoLayout layout;
};

/// Why there are no caps: one sentence for the user.
struct NoCaps : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Caps of the frames of a segment: those the writer gave, else `given` with what the shape adds, else the
/// default for that shape. Attributes and array may come from anyone and are checked.
/// \param given the user's, nullptr for none
/// \throws NoCaps if there are none, or none that fit the array.
FrameCaps frame_caps(const ArraySpec& array, const Attributes& attributes, GstCaps* given);

}  // namespace ndsharray::gst
