// SPDX-License-Identifier: BSD-3-Clause
// Mosaics of colour filters (video/x-bayer). GstVideoInfo does not know them. In memory they are grey frames.
#pragma once

#include <gst/video/video.h>

#include <optional>
#include <string>

namespace ndsharray::gst {

/// The format of video/x-bayer, such as rggb or bggr12le.
struct BayerFormat {
    std::string pattern;  ///< of the first two rows: bggr, gbrg, grbg or rggb
    unsigned bits = 8;    ///< of a pixel: in one byte, or in the low bits of two
    bool little_endian = false;
};

/// \returns nothing for fixed caps of anything else.
std::optional<BayerFormat> bayer_format(const GstCaps* caps);

/// A grey frame of one or two bytes per pixel, with the rows of a mosaic.
/// \returns nothing for caps that bayer_format() or GStreamer do not know.
std::optional<GstVideoInfo> bayer_info(const GstCaps* caps);

/// Whether this came from bayer_info().
bool is_bayer(const GstVideoInfo& info);

/// Gives grey frames the rows that GStreamer's elements expect of a mosaic: their number of pixels is a
/// multiple of four.
/// \returns false if the frame is too large for GStreamer.
bool make_bayer(GstVideoInfo& info);

/// The same mosaic in a buffer of this size. Cameras pad rows to four bytes, or not at all.
GstVideoInfo bayer_of_size(const GstVideoInfo& info, gsize size);

/// video/x-bayer in every format, of any size and frame rate.
/// \returns (transfer full)
GstCaps* bayer_template_caps();

}  // namespace ndsharray::gst
