// SPDX-License-Identifier: BSD-3-Clause
// Which caps the frames of a segment have, and where their planes are.
#pragma once

#include <gst/video/video.h>

#include <ndsharray/array.hpp>
#include <ndsharray/attributes.hpp>

#include <stdexcept>

#include "owned.hpp"
#include "video/video_layout.hpp"

namespace ndsharray::gst {

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
