// SPDX-License-Identifier: BSD-3-Clause
// Checks whether a buffer holds a frame of its caps.
#pragma once

#include <gst/video/video.h>

#include <optional>

#include "video/crop.hpp"

namespace ndsharray::gst {

/// Whether the pixels of a frame of these caps can be read from the buffer. The buffer must be large enough.
/// If it has a GstVideoMeta, this must have the same format and a picture that is not smaller, and each plane
/// must be in one memory. Upstream may send an old buffer after a change of caps. GStreamer's own functions
/// would print warnings for it.
/// \param cut cut_of() the buffer
bool fits(GstBuffer* buffer, const GstVideoInfo& info, const std::optional<Rectangle>& cut);

}  // namespace ndsharray::gst
