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

/// Raw video in each format with a layout here, as whole frames or alternating fields; and mosaics of colour
/// filters. Any size and frame rate.
/// \returns (transfer full) caps for a pad template.
GstCaps* video_template_caps();

/// The same as gst_video_info_from_caps(), but also for a mosaic (video/x-bayer), which is a grey frame.
/// \returns nothing for other caps.
std::optional<GstVideoInfo> video_info(const GstCaps* caps);

/// The default caps of an array without caps: (H,W) uint8 is GRAY8, (H,W) uint16 is GRAY16, (H,W,3) uint8 is
/// RGB, (H,W,4) uint8 is RGBA, (H,W,4) uint16 is RGBA64; framerate 0/1.
/// \returns (transfer full) fixed caps; nullptr for any other array.
GstCaps* caps_for_array(const ArraySpec& array);

/// The attribute in which the elements keep the caps of a segment.
inline constexpr const char* caps_attribute = "caps";

/// The attributes of a segment with frames of these caps. A mosaic also has the attributes `bayer` (its
/// pattern) and `bits` (of a pixel), for programs that do not read caps.
Attributes attributes_of(const GstCaps* caps);

/// Caps, and the layout of their frames.
struct FrameCaps {
    Owned<GstCaps> caps;
    GstVideoInfo info{};
    VideoLayout layout;
};

/// The reason why there are no caps, as a sentence for the user.
struct NoCaps : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Caps of the frames of a segment. If the writer gave caps, these count. Otherwise `given` counts, with what
/// the shape adds. Otherwise the default for the shape counts. Attributes and array may come from anyone
/// and are checked.
/// \param given caps of the user, or nullptr
/// \throws NoCaps if there are none, or none that fit the array.
FrameCaps frame_caps(const ArraySpec& array, const Attributes& attributes, GstCaps* given);

}  // namespace ndsharray::gst
