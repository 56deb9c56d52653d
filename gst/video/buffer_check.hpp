// SPDX-License-Identifier: BSD-3-Clause
// Whether a buffer holds a frame of the caps it came with.
#pragma once

#include <gst/video/video.h>

#include <optional>

#include "video/crop.hpp"

namespace ndsharray::gst {

/// Whether the pixels of a frame of these caps can be read from the buffer: it is large enough or, where it
/// has a GstVideoMeta, that is of the same format and not of a smaller picture, and each plane is in one
/// memory. After a change of caps an upstream may still send a buffer from before it, of which GStreamer's
/// own functions complain on stderr.
/// \param cut cut_of() the buffer
bool fits(GstBuffer* buffer, const GstVideoInfo& info, const std::optional<Rectangle>& cut);

}  // namespace ndsharray::gst
