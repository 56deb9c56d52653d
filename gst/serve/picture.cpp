// SPDX-License-Identifier: BSD-3-Clause
// A picture of a frame: of video its colours, of any other array what a View makes of its numbers.
#include "serve/picture.hpp"

#include <gst/video/video.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>

#include "owned.hpp"
#include "serve/colours.hpp"
#include "serve/elements.hpp"
#include "video/caps.hpp"
#include "video/video_layout.hpp"

namespace ndsharray::serve {
namespace {

/// What no picture is larger than: JPEG has no more, and memory has an end.
constexpr std::uint64_t most_pixels_a_side = 16384;

/// How many elements the percentiles are taken from.
constexpr std::uint64_t most_samples = 1 << 16;

struct Size {
    unsigned width, height;
    std::uint64_t step;  // pixels of the array for one of the picture, either way
};

Size size_of(std::uint64_t width, std::uint64_t height, const View& view) {
    if (width == 0 || height == 0)
        throw std::runtime_error("the array has no elements");
    const std::uint64_t most = view.width != 0 ? view.width : most_pixels_a_side;
    std::uint64_t step = std::max<std::uint64_t>(1, (width + most - 1) / most);
    step = std::max(step, (height + most_pixels_a_side - 1) / most_pixels_a_side);
    return {static_cast<unsigned>((width + step - 1) / step),
            static_cast<unsigned>((height + step - 1) / step), step};
}

// --------------------------------------------------------------------------------------------------- video

struct FreeConverter {
    void operator()(GstVideoConverter* converter) const { gst_video_converter_free(converter); }
};

/// A frame of video mapped as GStreamer sees it.
class Mapped {
  public:
    Mapped(GstVideoInfo info, gst::Owned<GstBuffer> buffer, GstMapFlags flags) : buffer_(std::move(buffer)) {
        if (!gst_video_frame_map(&frame, &info, buffer_.get(), flags))
            throw std::runtime_error("the frame cannot be mapped");
    }
    ~Mapped() { gst_video_frame_unmap(&frame); }
    Mapped(const Mapped&) = delete;
    Mapped& operator=(const Mapped&) = delete;

    GstVideoFrame frame{};

  private:
    gst::Owned<GstBuffer> buffer_;
};

gst::Owned<GstBuffer> wrapped(const void* data, std::size_t bytes, GstMemoryFlags flags) {
    return gst::Owned<GstBuffer>(
        gst_buffer_new_wrapped_full(flags, const_cast<void*>(data), bytes, 0, bytes, nullptr, nullptr));
}

Picture picture_of_video(const Frame& frame, const gst::FrameCaps& format, const View& view) {
    const auto width = static_cast<std::uint64_t>(GST_VIDEO_INFO_WIDTH(&format.info));
    const auto height = static_cast<std::uint64_t>(GST_VIDEO_INFO_HEIGHT(&format.info));
    const Size size = size_of(width, height, view);
    GstVideoInfo shown;
    gst_video_info_set_format(&shown, GST_VIDEO_FORMAT_RGB, size.width, size.height);
    // The converter takes no others.
    shown.interlace_mode = format.info.interlace_mode;
    GST_VIDEO_INFO_FPS_N(&shown) = GST_VIDEO_INFO_FPS_N(&format.info);
    GST_VIDEO_INFO_FPS_D(&shown) = GST_VIDEO_INFO_FPS_D(&format.info);
    GstVideoInfo given = gst::with_layout(format.info, format.layout);
    const std::unique_ptr<GstVideoConverter, FreeConverter> converter(
        gst_video_converter_new(&given, &shown, nullptr));
    if (!converter)
        throw std::runtime_error("there is no way from these caps to a picture");
    std::vector<std::uint8_t> padded(GST_VIDEO_INFO_SIZE(&shown));
    {
        Mapped from(given, wrapped(frame.data(), frame.spec().bytes, GST_MEMORY_FLAG_READONLY), GST_MAP_READ);
        Mapped to(shown, wrapped(padded.data(), padded.size(), static_cast<GstMemoryFlags>(0)),
                  GST_MAP_WRITE);
        gst_video_converter_frame(converter.get(), &from.frame, &to.frame);
    }
    Picture picture{.width = size.width, .height = size.height, .channels = 3, .step = size.step};
    picture.bytes.resize(std::size_t{3} * size.width * size.height);
    const auto stride = static_cast<std::size_t>(GST_VIDEO_INFO_PLANE_STRIDE(&shown, 0));
    const std::size_t row = std::size_t{3} * size.width;
    for (std::size_t y = 0; y < size.height; ++y)
        std::memcpy(picture.bytes.data() + y * row, padded.data() + y * stride, row);
    return picture;
}

// -------------------------------------------------------------------------------------------------- arrays

/// The part of an array that a picture is of.
struct Plane {
    const std::byte* first;
    std::uint64_t width = 1, height = 1, channels = 1;
    std::int64_t column_stride = 0, row_stride = 0, channel_stride = 0;
    ReadElement read;

    double at(std::uint64_t x, std::uint64_t y, std::uint64_t c = 0) const {
        return read(first + static_cast<std::int64_t>(x) * column_stride +
                    static_cast<std::int64_t>(y) * row_stride +
                    static_cast<std::int64_t>(c) * channel_stride);
    }
};

Plane plane_of(const Frame& frame, const View& view) {
    const ArraySpec& spec = frame.spec();
    if (spec.size() == 0)
        throw std::runtime_error("the array has no elements");
    const Axes axes = axes_of(spec, view.channels);
    Plane plane{.first = frame.data(), .read = element_reader(spec.dtype, spec.byte_order)};
    if (axes.column) {
        plane.width = spec.shape[*axes.column];
        plane.column_stride = spec.strides[*axes.column];
    }
    if (axes.row) {
        plane.height = spec.shape[*axes.row];
        plane.row_stride = spec.strides[*axes.row];
    }
    if (axes.channel) {
        plane.channels = spec.shape[*axes.channel];
        plane.channel_stride = spec.strides[*axes.channel];
    }
    for (std::size_t i = 0; i < axes.leading.size(); ++i) {
        const std::uint64_t index = i < view.index.size() ? view.index[i] : 0;
        if (index >= spec.shape[axes.leading[i]])
            throw std::runtime_error("the index is outside of the array");
        plane.first += static_cast<std::int64_t>(index) * spec.strides[axes.leading[i]];
    }
    return plane;
}

struct Range {
    double low = 0, high = 255;

    /// Where a number stands between them, 0 to 255; what is no number is dark.
    std::uint8_t place(double number) const {
        const double place = (number - low) / (high - low) * 255;
        return place > 0 ? static_cast<std::uint8_t>(std::min(place, 255.0) + 0.5 > 255 ? 255 : place + 0.5)
                         : 0;
    }
};

Range percentiles(const Plane& plane, std::uint64_t colours_shown, double low, double high) {
    std::vector<double> samples;
    const auto pixels = static_cast<double>(plane.width) * static_cast<double>(plane.height);
    const auto step = static_cast<std::uint64_t>(
        std::max(1.0, std::ceil(std::sqrt(pixels * static_cast<double>(colours_shown) / most_samples))));
    for (std::uint64_t y = 0; y < plane.height; y += step)
        for (std::uint64_t x = 0; x < plane.width; x += step)
            for (std::uint64_t c = 0; c < colours_shown; ++c)
                if (const double number = plane.at(x, y, c); std::isfinite(number))
                    samples.push_back(number);
    if (samples.empty())
        return {0, 1};
    const auto nth = [&samples](double percentile) {
        const auto at =
            static_cast<std::ptrdiff_t>(percentile / 100 * static_cast<double>(samples.size() - 1) + 0.5);
        std::nth_element(samples.begin(), samples.begin() + at, samples.end());
        return samples[static_cast<std::size_t>(at)];
    };
    const Range range{nth(low), nth(high)};
    // All alike: in the middle.
    return range.high > range.low ? range : Range{range.low - 0.5, range.low + 0.5};
}

Range range_of(const Plane& plane, DType dtype, std::uint64_t colours_shown, const View& view) {
    if (!view.low && !view.high) {
        if (dtype == DType::UInt8)
            return {0, 255};
        if (dtype == DType::Bool)
            return {0, 1};
    }
    return percentiles(plane, colours_shown, view.low.value_or(1), view.high.value_or(99));
}

/// Where red and blue are in a square of two by two; green is in the two others.
struct Mosaic {
    unsigned red_x, red_y;
};

Mosaic mosaic(Bayer bayer) {
    switch (bayer) {
        case Bayer::Bggr:
            return {1, 1};
        case Bayer::Grbg:
            return {1, 0};
        case Bayer::Gbrg:
            return {0, 1};
        default:
            return {0, 0};
    }
}

/// One pixel of each square of two by two.
Picture picture_of_mosaic(const Plane& plane, const Range& range, const View& view) {
    const Size size = size_of(plane.width / 2, plane.height / 2, view);
    const auto [red_x, red_y] = mosaic(view.bayer);
    Picture picture{.width = size.width, .height = size.height, .channels = 3, .step = 2 * size.step};
    picture.bytes.reserve(std::size_t{3} * size.width * size.height);
    for (unsigned row = 0; row < size.height; ++row) {
        for (unsigned column = 0; column < size.width; ++column) {
            const std::uint64_t x = column * size.step * 2, y = row * size.step * 2;
            const double green =
                (plane.at(x + 1 - red_x, y + red_y) + plane.at(x + red_x, y + 1 - red_y)) / 2;
            picture.bytes.push_back(range.place(plane.at(x + red_x, y + red_y)));
            picture.bytes.push_back(range.place(green));
            picture.bytes.push_back(range.place(plane.at(x + 1 - red_x, y + 1 - red_y)));
        }
    }
    return picture;
}

Picture picture_of_numbers(const Plane& plane, std::uint64_t colours_shown, const Range& range,
                           const View& view) {
    const Size size = size_of(plane.width, plane.height, view);
    const bool mapped = colours_shown == 1 && view.map != ColourMap::Gray;
    const auto& map = colours(view.map);
    Picture picture{.width = size.width,
                    .height = size.height,
                    .channels = mapped || colours_shown == 3 ? 3u : 1u,
                    .step = size.step};
    picture.bytes.reserve(std::size_t{picture.channels} * size.width * size.height);
    for (unsigned row = 0; row < size.height; ++row) {
        for (unsigned column = 0; column < size.width; ++column) {
            for (std::uint64_t c = 0; c < colours_shown; ++c) {
                const std::uint8_t place = range.place(plane.at(column * size.step, row * size.step, c));
                if (mapped)
                    picture.bytes.insert(picture.bytes.end(), map[place].begin(), map[place].end());
                else
                    picture.bytes.push_back(place);
            }
        }
    }
    return picture;
}

Picture deep_picture(const Plane& plane, const View& view) {
    const Size size = size_of(plane.width, plane.height, view);
    Picture picture{.width = size.width, .height = size.height, .depth = 16, .step = size.step};
    picture.bytes.resize(std::size_t{2} * size.width * size.height);
    std::size_t at = 0;
    for (unsigned row = 0; row < size.height; ++row) {
        for (unsigned column = 0; column < size.width; ++column, at += 2) {
            const auto value = static_cast<std::uint16_t>(plane.at(column * size.step, row * size.step));
            std::memcpy(picture.bytes.data() + at, &value, sizeof value);
        }
    }
    return picture;
}

/// What the tag says of its mosaic.
Bayer bayer_of(const Frame& frame) {
    static const std::map<std::string, Bayer, std::less<>> patterns{
        {"rggb", Bayer::Rggb}, {"bggr", Bayer::Bggr}, {"grbg", Bayer::Grbg}, {"gbrg", Bayer::Gbrg}};
    const auto attribute = frame.attributes().find("bayer");
    if (attribute == frame.attributes().end())
        return Bayer::None;
    const auto pattern = patterns.find(attribute->second);
    return pattern != patterns.end() ? pattern->second : Bayer::None;
}

Picture picture_of_array(const Frame& frame, const View& view, bool deep) {
    const Plane plane = plane_of(frame, view);
    const DType dtype = frame.spec().dtype;
    const std::uint64_t colours_shown = plane.channels >= 3 && view.bayer == Bayer::None ? 3 : 1;
    if (deep && dtype == DType::UInt16 && colours_shown == 1 && view.is_plain())
        return deep_picture(plane, view);
    const Range range = range_of(plane, dtype, colours_shown, view);
    if (view.bayer != Bayer::None && plane.width > 1 && plane.height > 1)
        return picture_of_mosaic(plane, range, view);
    return picture_of_numbers(plane, colours_shown, range, view);
}

/// Colours that GStreamer knows how to show. Gray is left to the array, which can be stretched and coloured.
std::optional<gst::FrameCaps> colour_caps(const Frame& frame) {
    try {
        gst::FrameCaps caps = gst::frame_caps(frame.spec(), frame.attributes(), nullptr);
        if (GST_VIDEO_INFO_IS_GRAY(&caps.info))
            return std::nullopt;
        return caps;
    } catch (const gst::NoCaps&) {
        return std::nullopt;
    }
}

}  // namespace

Axes axes_of(const ArraySpec& spec, Channels channels) {
    const std::uint32_t n = spec.ndim;
    Axes axes;
    const auto is_colour = [&](std::uint32_t axis) {
        return spec.shape[axis] == 1 || spec.shape[axis] == 3 || spec.shape[axis] == 4;
    };
    if (n >= 3 && !is_complex(spec.dtype)) {
        if (channels == Channels::Last || (channels == Channels::Auto && is_colour(n - 1)))
            axes.channel = n - 1;
        else if (channels == Channels::First || (channels == Channels::Auto && is_colour(n - 3)))
            axes.channel = n - 3;
    }
    std::vector<std::uint32_t> rest;
    for (std::uint32_t axis = 0; axis < n; ++axis)
        if (axis != axes.channel)
            rest.push_back(axis);
    if (!rest.empty()) {
        axes.column = rest.back();
        rest.pop_back();
    }
    if (!rest.empty()) {
        axes.row = rest.back();
        rest.pop_back();
    }
    axes.leading = rest;
    return axes;
}

Picture picture_of(const Frame& frame, const View& asked, bool deep) {
    View view = asked;
    // A deep picture is of the numbers as they are.
    if (view.bayer == Bayer::Auto)
        view.bayer = deep ? Bayer::None : bayer_of(frame);
    if (view.bayer == Bayer::None && view.channels == Channels::Auto)
        if (const auto caps = colour_caps(frame))
            return picture_of_video(frame, *caps, view);
    return picture_of_array(frame, view, deep);
}

}  // namespace ndsharray::serve
