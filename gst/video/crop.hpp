// SPDX-License-Identifier: BSD-3-Clause
// GstVideoCropMeta: whether it stays with the picture, or is what the picture is.
#pragma once

#include <gst/video/video.h>

#include <optional>

namespace ndsharray::gst {

/// A part of a picture, in pixels.
struct Rectangle {
    guint x = 0, y = 0, width = 0, height = 0;
};

/// The part of a buffer's picture that its caps speak of, where its GstVideoMeta says that the buffer has
/// more, as videocrop and some decoders do. Nothing where caps and buffer have the same picture: a crop of
/// that is for whoever shows it.
std::optional<Rectangle> cut_of(GstBuffer* buffer, const GstVideoInfo& info);

/// Whether a crop is a part of pictures of these caps.
bool is_within(const GstVideoCropMeta& crop, const GstVideoInfo& info);

/// Where a part of the whole picture is in the part that is left of it; nothing if it is not in there.
std::optional<Rectangle> moved_into(const Rectangle& part, const Rectangle& cut);

/// Lets a mapped frame be only a part of itself, rounded down to where chroma begins.
/// \returns false for formats whose pixels are not to be found one by one.
bool cut_frame(GstVideoFrame& frame, const Rectangle& cut);

}  // namespace ndsharray::gst
