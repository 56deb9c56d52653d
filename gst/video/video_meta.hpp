// SPDX-License-Identifier: BSD-3-Clause
// GstVideoMeta for frames in an array's layout.
#pragma once

#include <gst/video/video.h>

#include "video/video_layout.hpp"

namespace ndsharray::gst {

/// Says where the planes of a frame of this layout are.
void add_video_meta(GstBuffer* buffer, const GstVideoInfo& info, const VideoLayout& layout);

/// The same for GStreamer's default layout.
void add_video_meta(GstBuffer* buffer, const GstVideoInfo& info);

/// Whether the buffer has a picture of these caps, with its planes where this layout has them: its
/// GstVideoMeta says so, or it has none and the layout is the default one.
bool has_layout(GstBuffer* buffer, const GstVideoInfo& info, const VideoLayout& layout);

/// Makes a buffer's metas stay when it goes back to its pool.
void keep_metas(GstBuffer* buffer);

}  // namespace ndsharray::gst
