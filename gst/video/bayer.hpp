// SPDX-License-Identifier: BSD-3-Clause
// Mosaics of colour filters (video/x-bayer), of which GstVideoInfo knows nothing: as the grey frames they are
// in memory.
#pragma once

#include <gst/video/video.h>

#include <optional>
#include <string>

namespace ndsharray::gst {

/// What the format field of video/x-bayer says, such as rggb or bggr12le.
struct BayerFormat {
    std::string pattern;  ///< of the first two rows: bggr, gbrg, grbg or rggb
    unsigned bits = 8;    ///< of a pixel, in one byte or the low bits of two
    bool little_endian = false;
};

/// \returns nothing for fixed caps of anything else.
std::optional<BayerFormat> bayer_format(const GstCaps* caps);

/// A grey frame of one or two bytes per pixel, whose rows are those of a mosaic.
/// \returns nothing for caps that bayer_format() or GStreamer do not understand.
std::optional<GstVideoInfo> bayer_info(const GstCaps* caps);

/// Whether this came from bayer_info().
bool is_bayer(const GstVideoInfo& info);

/// Gives grey frames the rows that GStreamer's elements take a mosaic to have: as many pixels as a multiple
/// of four.
/// \returns false if such a frame is too large for GStreamer.
bool make_bayer(GstVideoInfo& info);

/// video/x-bayer in every format, of any size and frame rate.
/// \returns (transfer full)
GstCaps* bayer_template_caps();

}  // namespace ndsharray::gst
