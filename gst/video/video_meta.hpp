// SPDX-License-Identifier: BSD-3-Clause
// GstVideoMeta for frames in the layout of an array.
#pragma once

#include <gst/video/video.h>

#include "video/video_layout.hpp"

namespace ndsharray::gst {

/// Adds the places of the planes of a frame of this layout.
void add_video_meta(GstBuffer* buffer, const GstVideoInfo& info, const VideoLayout& layout);

/// The same for GStreamer's default layout.
void add_video_meta(GstBuffer* buffer, const GstVideoInfo& info);

/// Whether the buffer has a picture of these caps in this layout. Its GstVideoMeta counts. If it has none, it
/// has the default layout.
bool has_layout(GstBuffer* buffer, const GstVideoInfo& info, const VideoLayout& layout);

/// Keeps the metas of a buffer when it goes back to its pool.
void keep_metas(GstBuffer* buffer);

}  // namespace ndsharray::gst
