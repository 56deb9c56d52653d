// SPDX-License-Identifier: BSD-3-Clause
// Copies the pixels of a frame between a GstBuffer and an array.
#pragma once

#include <gst/video/video.h>

#include <cstddef>
#include <optional>

#include "video/crop.hpp"
#include "video/video_layout.hpp"

namespace ndsharray::gst {

/// Copies the picture of a buffer to an array of this layout. Finds the planes by the buffer's GstVideoMeta.
/// \param cut cut_of() the buffer
/// \returns false if the buffer does not hold a frame of these caps.
bool copy_to_array(GstBuffer* buffer, const GstVideoInfo& info, const std::optional<Rectangle>& cut,
                   const VideoLayout& layout, std::byte* array);

/// A new buffer in ordinary memory and GStreamer's default layout, with the pixels of an array.
/// \returns (transfer full) nullptr if there is no memory for it.
GstBuffer* copy_to_buffer(const std::byte* array, const GstVideoInfo& info, const VideoLayout& layout);

}  // namespace ndsharray::gst
