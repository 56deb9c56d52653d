// SPDX-License-Identifier: BSD-3-Clause
// GstVideoCropMeta: it crosses as metadata, or the sink cuts the picture before it publishes it.
#pragma once

#include <gst/video/video.h>

#include <optional>

namespace ndsharray::gst {

/// A part of a picture, in pixels.
struct Rectangle {
    guint x = 0, y = 0, width = 0, height = 0;
};

/// The part of the buffer's picture that has the size of the caps, if the buffer has a larger picture by its
/// GstVideoMeta. videocrop and some decoders make such buffers. Nothing if caps and buffer have the same
/// picture: then the crop is for the element that shows it.
std::optional<Rectangle> cut_of(GstBuffer* buffer, const GstVideoInfo& info);

/// Whether a crop is inside of pictures of these caps.
bool is_within(const GstVideoCropMeta& crop, const GstVideoInfo& info);

/// The place of `part` in the picture that was cut to `cut`. Nothing if it is outside.
std::optional<Rectangle> moved_into(const Rectangle& part, const Rectangle& cut);

/// Reduces a mapped frame to a part of it. The part begins at a chroma sample, so it is rounded down.
/// \returns false for formats without an address for each pixel.
bool cut_frame(GstVideoFrame& frame, const Rectangle& cut);

}  // namespace ndsharray::gst
