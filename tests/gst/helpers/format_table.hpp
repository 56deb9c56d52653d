// SPDX-License-Identifier: BSD-3-Clause
// The table of formats in gst/README.md, as this GStreamer and video_layout() have it.
#pragma once

#include <gst/video/video.h>

#include <span>
#include <string>

namespace ndsharray::gst {

/// Every raw format that GStreamer knows at run time.
std::span<const GstVideoFormat> raw_formats();

/// What a frame of this format is as an array, as the two last cells of a row: "uint8 | (H, W, 3)".
std::string array_form(GstVideoFormat format);

/// A sentence that names GStreamer's version, and the Markdown table: formats, dtype, shape.
std::string format_table();

}  // namespace ndsharray::gst
