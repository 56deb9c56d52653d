// SPDX-License-Identifier: BSD-3-Clause
// What is exactly under a pixel of a picture: from the array, never from the picture.
#include "serve/pixel.hpp"

#include <gst/video/video.h>

#include <optional>
#include <stdexcept>
#include <vector>

#include "owned.hpp"
#include "serve/frames.hpp"
#include "serve/picture.hpp"
#include "video/caps.hpp"
#include "video/video_layout.hpp"

namespace ndsharray::serve {
namespace {

using nlohmann::ordered_json;

/// Whether an axis is not what it seems: planes of different size, or several components in one element.
bool is_folded(const GstVideoInfo& info) {
    const GstVideoFormatInfo& format = *info.finfo;
    if (GST_VIDEO_FORMAT_INFO_IS_COMPLEX(&format))
        return true;
    for (unsigned c = 0; c < format.n_components; ++c)
        if (format.w_sub[c] != 0 || format.h_sub[c] != 0 || format.shift[c] != 0 || format.depth[c] % 8 != 0)
            return true;
    return false;
}

std::optional<gst::FrameCaps> folded_caps(const Frame& frame) {
    try {
        gst::FrameCaps caps = gst::frame_caps(frame.spec(), frame.attributes(), nullptr);
        if (is_folded(caps.info))
            return caps;
    } catch (const gst::NoCaps&) {
        // An array, then.
    }
    return std::nullopt;
}

/// The components of a pixel where GStreamer finds them, in the format's own order.
ordered_json components(const Frame& frame, const gst::FrameCaps& caps, std::uint64_t x, std::uint64_t y) {
    if (x >= static_cast<std::uint64_t>(GST_VIDEO_INFO_WIDTH(&caps.info)) ||
        y >= static_cast<std::uint64_t>(GST_VIDEO_INFO_HEIGHT(&caps.info)))
        throw std::out_of_range("the place is outside of the picture");
    GstVideoInfo info = gst::with_layout(caps.info, caps.layout);
    const GstVideoFormatInfo& format = *info.finfo;
    if (GST_VIDEO_FORMAT_INFO_IS_COMPLEX(&format))
        throw std::runtime_error("pixels of " + std::string(GST_VIDEO_INFO_NAME(&info)) +
                                 " have no values of their own");
    ordered_json values = ordered_json::array();
    for (unsigned c = 0; c < format.n_components; ++c) {
        const std::uint64_t column = x >> format.w_sub[c], row = y >> format.h_sub[c];
        const unsigned plane = format.plane[c];
        const auto* at = reinterpret_cast<const std::uint8_t*>(frame.data()) + info.offset[plane] +
                         row * static_cast<std::uint64_t>(info.stride[plane]) +
                         column * static_cast<std::uint64_t>(format.pixel_stride[c]) + format.poffset[c];
        const unsigned bits = format.depth[c] + format.shift[c];
        unsigned word = bits <= 8                              ? *at
                        : GST_VIDEO_FORMAT_INFO_IS_LE(&format) ? GST_READ_UINT16_LE(at)
                                                               : GST_READ_UINT16_BE(at);
        word = word >> format.shift[c] & ((1u << format.depth[c]) - 1);
        values.push_back(word);
    }
    return {{"frame", frame.number()}, {"format", GST_VIDEO_INFO_NAME(&info)}, {"value", values}};
}

}  // namespace

ordered_json pixel(const Frame& frame, const View& view, std::uint64_t x, std::uint64_t y) {
    if (view.channels == Channels::Auto && (view.bayer == Bayer::Auto || view.bayer == Bayer::None))
        if (const auto caps = folded_caps(frame))
            return components(frame, *caps, x, y);
    const ArraySpec& spec = frame.spec();
    const Axes axes = axes_of(spec, view.channels);
    std::vector<std::uint64_t> index(spec.ndim);
    for (std::size_t i = 0; i < axes.leading.size() && i < view.index.size(); ++i)
        index[axes.leading[i]] = view.index[i];
    if ((!axes.row && y != 0) || (!axes.column && x != 0))
        throw std::out_of_range("the index is outside of the array");
    if (axes.row)
        index[*axes.row] = y;
    if (axes.column)
        index[*axes.column] = x;
    ordered_json value;
    if (axes.channel) {
        value = ordered_json::array();
        for (std::uint64_t c = 0; c < spec.shape[*axes.channel]; ++c) {
            index[*axes.channel] = c;
            value.push_back(element(frame.array(), index));
        }
    } else {
        value = element(frame.array(), index);
    }
    ordered_json place = ordered_json::array();
    for (std::uint32_t axis = 0; axis < spec.ndim; ++axis)
        place.push_back(axis == axes.channel ? ordered_json(":") : ordered_json(index[axis]));
    return {{"frame", frame.number()}, {"index", place}, {"value", value}};
}

}  // namespace ndsharray::serve
