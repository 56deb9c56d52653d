// SPDX-License-Identifier: BSD-3-Clause
// Where a frame's planes and pixels are in its array: for every format this GStreamer knows, every kind of
// size and of interlacing.
#include "video/video_layout.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "all_caps.hpp"
#include "owned.hpp"

namespace ndsharray::gst {
namespace {

/// One frame in ordinary memory.
class OrdinaryFrame {
  public:
    explicit OrdinaryFrame(const GstVideoInfo& info)
        : info_(info), buffer_(gst_buffer_new_allocate(nullptr, info.size, nullptr)) {
        gst_buffer_memset(buffer_.get(), 0, 0, info.size);
    }

    std::vector<guint8> bytes() const {
        std::vector<guint8> result(info_.size);
        gst_buffer_extract(buffer_.get(), 0, result.data(), result.size());
        return result;
    }

    void fill(std::mt19937& random) {
        std::vector<guint32> pattern(info_.size / sizeof(guint32) + 1);
        std::generate(pattern.begin(), pattern.end(), std::ref(random));
        gst_buffer_fill(buffer_.get(), 0, pattern.data(), info_.size);
    }

    void copy_from(const OrdinaryFrame& other) {
        GstVideoFrame from, to;
        ASSERT_TRUE(gst_video_frame_map(&from, &other.info_, other.buffer_.get(), GST_MAP_READ));
        ASSERT_TRUE(gst_video_frame_map(&to, &info_, buffer_.get(), GST_MAP_READWRITE));
        EXPECT_TRUE(gst_video_frame_copy(&to, &from));
        gst_video_frame_unmap(&to);
        gst_video_frame_unmap(&from);
    }

    /// All planes' rows, one plane after the other, without padding.
    std::vector<guint8> pixels() const {
        std::vector<guint8> result;
        const std::vector<guint8> data = bytes();
        for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES(&info_); ++p) {
            std::size_t row_bytes = 0, rows = 0;
            for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS(&info_); ++c) {
                if (GST_VIDEO_INFO_COMP_PLANE(&info_, c) != p)
                    continue;
                row_bytes = std::max<std::size_t>(
                    row_bytes, GST_VIDEO_INFO_COMP_WIDTH(&info_, c) * GST_VIDEO_INFO_COMP_PSTRIDE(&info_, c));
                rows = std::max<std::size_t>(rows, GST_VIDEO_INFO_COMP_HEIGHT(&info_, c));
            }
            for (std::size_t y = 0; y < rows; ++y) {
                const auto row =
                    data.begin() + static_cast<std::ptrdiff_t>(info_.offset[p] + y * info_.stride[p]);
                result.insert(result.end(), row, row + static_cast<std::ptrdiff_t>(row_bytes));
            }
        }
        return result;
    }

  private:
    GstVideoInfo info_;
    Owned<GstBuffer> buffer_;
};

/// What numpy.ascontiguousarray(array).tobytes() gives.
std::vector<guint8> in_c_order(const ArraySpec& array, const std::vector<guint8>& data) {
    const std::size_t width = item_size(array.dtype);
    std::vector<guint8> result(array.size() * width);
    for (std::uint64_t i = 0; i < array.size(); ++i) {
        std::uint64_t rest = i, offset = 0;
        for (std::uint32_t d = array.ndim; d-- > 0;) {
            offset += rest % array.shape[d] * static_cast<std::uint64_t>(array.strides[d]);
            rest /= array.shape[d];
        }
        std::memcpy(&result[i * width], &data.at(offset), width);
    }
    return result;
}

/// The values of the elements, read as the array's dtype and byte order say.
std::set<std::uint32_t> element_values(const ArraySpec& array, const std::vector<guint8>& data) {
    const std::vector<guint8> elements = in_c_order(array, data);
    const std::size_t width = item_size(array.dtype);
    std::set<std::uint32_t> values;
    for (std::size_t i = 0; i < elements.size(); i += width) {
        std::uint32_t value = 0;
        for (std::size_t b = 0; b < width; ++b) {
            const std::size_t place = array.byte_order == ByteOrder::Big ? b : width - 1 - b;
            value = value << 8 | elements[i + place];
        }
        values.insert(value);
    }
    return values;
}

TEST(VideoLayout, ArrayIsValidForAllCaps) {
    for_all_caps([](const GstVideoInfo& info) { EXPECT_EQ(video_layout(info).array.problem(), ""); });
}

TEST(VideoLayout, PlanesAreInsideTheArrayForAllCaps) {
    for_all_caps([](const GstVideoInfo& info) { EXPECT_TRUE(planes_are_inside(info, video_layout(info))); });
}

TEST(VideoLayout, DefaultIsExactlyGStreamersLayout) {
    for_all_caps([](const GstVideoInfo& info) {
        const VideoLayout layout = video_layout(info);
        const GstVideoInfo laid_out = with_layout(info, layout);
        EXPECT_EQ(laid_out.size, layout.array.bytes);
        EXPECT_EQ(layout.is_default, gst_video_info_is_equal(&laid_out, &info) != FALSE);
    });
}

TEST(VideoLayout, ArrayWithoutShapeIsInGStreamersLayout) {
    for_all_caps([](const GstVideoInfo& info) {
        const VideoLayout layout = video_layout(info);
        if (layout.array.ndim != 1)
            return;
        EXPECT_TRUE(layout.is_default);
        EXPECT_EQ(layout.array.dtype, DType::UInt8);
        EXPECT_EQ(layout.array.shape[0], info.size);
    });
}

TEST(VideoLayout, ReaderFindsThePlanesWhereTheWriterPutThem) {
    for_all_caps([](const GstVideoInfo& info) {
        const VideoLayout written = video_layout(info);
        const auto read = video_layout(info, written.array);
        ASSERT_TRUE(read);
        EXPECT_EQ(read->array, written.array);
        EXPECT_EQ(read->offset, written.offset);
        EXPECT_EQ(read->stride, written.stride);
        EXPECT_EQ(read->is_default, written.is_default);
    });
}

TEST(VideoLayout, DoesNotDependOnThePaddingInTheInfo) {
    for_all_caps([](const GstVideoInfo& info) {
        if (GST_VIDEO_FORMAT_INFO_IS_TILED(info.finfo))
            return;
        GstVideoInfo padded = info;
        GstVideoAlignment alignment;
        gst_video_alignment_reset(&alignment);
        alignment.padding_right = 64;
        ASSERT_TRUE(gst_video_info_align(&padded, &alignment));
        EXPECT_EQ(video_layout(padded).array, video_layout(info).array);
    });
}

TEST(VideoLayout, PixelsSurviveTheWayThereAndBack) {
    std::mt19937 random(1);
    for_all_caps([&](const GstVideoInfo& info) {
        const VideoLayout layout = video_layout(info);
        if (layout.array.ndim == 1)
            return;  // GStreamer's own layout, see above: nothing to convert
        OrdinaryFrame original(info), shared(with_layout(info, layout)), back(info);
        original.fill(random);
        shared.copy_from(original);
        back.copy_from(shared);
        EXPECT_EQ(back.pixels(), original.pixels());
    });
}

TEST(VideoLayout, ArrayReadInOrderIsOnePlaneAfterTheOther) {
    std::mt19937 random(2);
    for_all_caps([&](const GstVideoInfo& info) {
        const VideoLayout layout = video_layout(info);
        if (layout.array.ndim == 1)
            return;
        OrdinaryFrame original(info), shared(with_layout(info, layout));
        original.fill(random);
        shared.copy_from(original);
        EXPECT_EQ(in_c_order(layout.array, shared.bytes()), original.pixels());
    });
}

/// The element that GStreamer writes for a pixel with one component set, all others 0.
std::set<std::uint32_t> packed_values(const GstVideoInfo& info, guint component, guint16 value) {
    const VideoLayout layout = video_layout(info);
    GstVideoInfo laid_out = with_layout(info, layout);
    const GstVideoFormatInfo* unpacked = gst_video_format_get_info(info.finfo->unpack_format);
    const bool wide = GST_VIDEO_FORMAT_INFO_DEPTH(unpacked, 0) > 8;
    const guint position = component == GST_VIDEO_COMP_A ? 0 : component + 1;  // AYUV and ARGB
    std::vector<guint16> wide_line(4 * static_cast<std::size_t>(info.width), 0);
    std::vector<guint8> narrow_line(wide_line.size(), 0);
    for (std::size_t x = position; x < wide_line.size(); x += 4) {
        wide_line[x] = value;
        narrow_line[x] = static_cast<guint8>(value >> 8);
    }
    std::vector<guint8> data(layout.array.bytes, 0);
    gpointer planes[GST_VIDEO_MAX_PLANES]{};
    for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES(&info); ++p)
        planes[p] = data.data() + layout.offset[p];
    gpointer line = wide ? static_cast<gpointer>(wide_line.data()) : narrow_line.data();
    info.finfo->pack_func(info.finfo, GST_VIDEO_PACK_FLAG_NONE, line, 0, planes, laid_out.stride,
                          GST_VIDEO_CHROMA_SITE_UNKNOWN, 0, info.width);
    std::set<std::uint32_t> values = element_values(layout.array, data);
    values.erase(0);
    return values;
}

TEST(VideoLayout, ByteOrderIsTheOneGStreamerWrites) {
    for (const GstVideoFormat format : raw_formats()) {
        const GstVideoInfo info = make_info(format, {8, 8});
        if (item_size(video_layout(info).array.dtype) == 1)
            continue;
        for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS(&info); ++c) {
            SCOPED_TRACE(to_text(info) + " component " + std::to_string(c));
            const auto all_bits = packed_values(info, c, 0xffff);
            const auto top_bit = packed_values(info, c, 0x8000);
            ASSERT_EQ(all_bits.size(), 1u);
            ASSERT_EQ(top_bit.size(), 1u);
            const std::uint32_t bits = *all_bits.begin();
            const int run = std::countr_one(bits >> std::countr_zero(bits));
            EXPECT_EQ(run, std::popcount(bits)) << "the component's bits are not together";
            EXPECT_EQ(run, static_cast<int>(GST_VIDEO_INFO_COMP_DEPTH(&info, c)));
            EXPECT_EQ(*top_bit.begin(), std::bit_floor(bits));
        }
    }
}

struct Known {
    GstVideoFormat format;
    Size size;
    DType dtype;
    std::vector<std::uint64_t> shape;
    std::vector<std::int64_t> strides;
    bool is_default;
    GstVideoInterlaceMode mode = GST_VIDEO_INTERLACE_MODE_PROGRESSIVE;
};

const std::vector<Known>& known_layouts() {
    constexpr auto interleaved = GST_VIDEO_INTERLACE_MODE_INTERLEAVED;
    constexpr auto alternate = GST_VIDEO_INTERLACE_MODE_ALTERNATE;
    constexpr auto u8 = DType::UInt8;
    constexpr auto u16 = DType::UInt16;
    constexpr auto u32 = DType::UInt32;
    static const std::vector<Known> known = {
        // one plane
        {GST_VIDEO_FORMAT_GRAY8, {5, 3}, u8, {3, 5}, {8, 1}, true},
        {GST_VIDEO_FORMAT_GRAY8, {1, 1}, u8, {1, 1}, {4, 1}, true},
        {GST_VIDEO_FORMAT_RGB, {5, 3}, u8, {3, 5, 3}, {16, 3, 1}, true},
        {GST_VIDEO_FORMAT_BGR, {640, 480}, u8, {480, 640, 3}, {1920, 3, 1}, true},
        {GST_VIDEO_FORMAT_RGBA, {5, 3}, u8, {3, 5, 4}, {20, 4, 1}, true},
        {GST_VIDEO_FORMAT_xRGB, {5, 3}, u8, {3, 5, 4}, {20, 4, 1}, true},
        {GST_VIDEO_FORMAT_v308, {5, 3}, u8, {3, 5, 3}, {16, 3, 1}, true},
        {GST_VIDEO_FORMAT_IYU2, {5, 3}, u8, {3, 5, 3}, {16, 3, 1}, true},
        {GST_VIDEO_FORMAT_GRAY16_BE, {5, 3}, u16, {3, 5}, {12, 2}, true},
        {GST_VIDEO_FORMAT_RGB16, {5, 3}, u16, {3, 5}, {12, 2}, true},
        {GST_VIDEO_FORMAT_BGR15, {5, 3}, u16, {3, 5}, {12, 2}, true},
        {GST_VIDEO_FORMAT_RGBA64_LE, {5, 3}, u16, {3, 5, 4}, {40, 8, 2}, true},
        {GST_VIDEO_FORMAT_AYUV64, {5, 3}, u16, {3, 5, 4}, {40, 8, 2}, true},
        {GST_VIDEO_FORMAT_Y412_BE, {5, 3}, u16, {3, 5, 4}, {40, 8, 2}, true},
        {GST_VIDEO_FORMAT_BGR10A2_LE, {5, 3}, u32, {3, 5}, {20, 4}, true},
        {GST_VIDEO_FORMAT_r210, {5, 3}, u32, {3, 5}, {20, 4}, true},
        {GST_VIDEO_FORMAT_Y410, {5, 3}, u32, {3, 5}, {20, 4}, true},
        {GST_VIDEO_FORMAT_YUY2, {6, 3}, u8, {3, 6, 2}, {12, 2, 1}, true},
        {GST_VIDEO_FORMAT_UYVY, {5, 3}, u8, {36}, {1}, true},
        {GST_VIDEO_FORMAT_Y210, {6, 3}, u16, {3, 6, 2}, {24, 4, 2}, true},
        {GST_VIDEO_FORMAT_Y212_BE, {5, 3}, u8, {72}, {1}, true},
        // planes of full size
        {GST_VIDEO_FORMAT_Y444, {5, 3}, u8, {3, 3, 5}, {24, 8, 1}, true},
        {GST_VIDEO_FORMAT_GBR, {16, 4}, u8, {3, 4, 16}, {64, 16, 1}, true},
        {GST_VIDEO_FORMAT_GBRA, {5, 3}, u8, {4, 3, 5}, {24, 8, 1}, true},
        {GST_VIDEO_FORMAT_Y444_16LE, {5, 3}, u16, {3, 3, 5}, {36, 12, 2}, true},
        {GST_VIDEO_FORMAT_A444_10BE, {6, 4}, u16, {4, 4, 6}, {48, 12, 2}, true},
        // planes as rows
        {GST_VIDEO_FORMAT_I420, {320, 240}, u8, {360, 320}, {320, 1}, true},
        {GST_VIDEO_FORMAT_I420, {6, 4}, u8, {6, 6}, {6, 1}, false},
        {GST_VIDEO_FORMAT_I420, {320, 242}, u8, {363, 320}, {320, 1}, true},
        {GST_VIDEO_FORMAT_I420, {7, 5}, u8, {72}, {1}, true},
        {GST_VIDEO_FORMAT_YV12, {1920, 1080}, u8, {1620, 1920}, {1920, 1}, true},
        {GST_VIDEO_FORMAT_A420, {16, 16}, u8, {40, 16}, {16, 1}, true},
        {GST_VIDEO_FORMAT_YUV9, {16, 16}, u8, {18, 16}, {16, 1}, true},
        {GST_VIDEO_FORMAT_Y41B, {16, 16}, u8, {24, 16}, {16, 1}, true},
        {GST_VIDEO_FORMAT_Y42B, {6, 3}, u8, {6, 6}, {6, 1}, false},
        {GST_VIDEO_FORMAT_I420_10LE, {320, 240}, u16, {360, 320}, {640, 2}, true},
        {GST_VIDEO_FORMAT_I422_12BE, {320, 240}, u16, {480, 320}, {640, 2}, true},
        {GST_VIDEO_FORMAT_NV12, {1920, 1080}, u8, {1620, 1920}, {1920, 1}, true},
        {GST_VIDEO_FORMAT_NV12, {6, 4}, u8, {6, 6}, {8, 1}, true},
        {GST_VIDEO_FORMAT_NV12, {7, 5}, u8, {72}, {1}, true},
        {GST_VIDEO_FORMAT_NV16, {6, 3}, u8, {6, 6}, {8, 1}, true},
        {GST_VIDEO_FORMAT_NV24, {16, 4}, u8, {12, 16}, {16, 1}, true},
        {GST_VIDEO_FORMAT_NV24, {5, 3}, u8, {9, 5}, {5, 1}, false},
        {GST_VIDEO_FORMAT_AV12, {6, 4}, u8, {10, 6}, {8, 1}, true},
        {GST_VIDEO_FORMAT_P010_10LE, {1920, 1080}, u16, {1620, 1920}, {3840, 2}, true},
        // fields: their chroma rows come in pairs
        {GST_VIDEO_FORMAT_I420, {320, 240}, u8, {360, 320}, {320, 1}, true, interleaved},
        {GST_VIDEO_FORMAT_NV12, {320, 242}, u8, {116480}, {1}, true, interleaved},
        {GST_VIDEO_FORMAT_NV16, {320, 241}, u8, {482, 320}, {320, 1}, true, interleaved},
        {GST_VIDEO_FORMAT_RGB, {5, 3}, u8, {2, 5, 3}, {16, 3, 1}, true, alternate},
        {GST_VIDEO_FORMAT_I420, {320, 240}, u8, {180, 320}, {320, 1}, true, alternate},
        // no shape
        {GST_VIDEO_FORMAT_v210, {6, 4}, u8, {512}, {1}, true},
        {GST_VIDEO_FORMAT_UYVP, {6, 4}, u8, {64}, {1}, true},
        {GST_VIDEO_FORMAT_IYU1, {6, 4}, u8, {48}, {1}, true},
        {GST_VIDEO_FORMAT_RGB8P, {6, 4}, u8, {1056}, {1}, true},
        {GST_VIDEO_FORMAT_GRAY10_LE32, {6, 4}, u8, {32}, {1}, true},
        {GST_VIDEO_FORMAT_NV12_10LE32, {6, 4}, u8, {48}, {1}, true},
        {GST_VIDEO_FORMAT_NV12_4L4, {6, 4}, u8, {64}, {1}, true},
        {GST_VIDEO_FORMAT_NV12_64Z32, {6, 4}, u8, {8192}, {1}, true},
    };
    return known;
}

TEST(VideoLayout, KnownShapes) {
    for (const Known& known : known_layouts()) {
        const GstVideoInfo info = make_info(known.format, known.size, known.mode);
        SCOPED_TRACE(to_text(info));
        const VideoLayout layout = video_layout(info);
        const auto ndim = static_cast<std::ptrdiff_t>(layout.array.ndim);
        EXPECT_EQ(layout.array.dtype, known.dtype);
        EXPECT_EQ(std::vector(layout.array.shape.begin(), layout.array.shape.begin() + ndim), known.shape);
        EXPECT_EQ(std::vector(layout.array.strides.begin(), layout.array.strides.begin() + ndim),
                  known.strides);
        EXPECT_EQ(layout.is_default, known.is_default);
        EXPECT_TRUE(!known.is_default || layout.array.bytes == info.size);
    }
}

TEST(VideoLayout, TightFrameCarriesItsPlanesInAVideoMeta) {
    const GstVideoInfo info = make_info(GST_VIDEO_FORMAT_I420, {6, 4});
    GstVideoInfo laid_out = with_layout(info, video_layout(info));
    const Owned<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, laid_out.size, nullptr));
    gst_buffer_add_video_meta_full(buffer.get(), GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_I420, 6, 4, 3,
                                   laid_out.offset, laid_out.stride);
    GstVideoFrame frame;
    ASSERT_TRUE(gst_video_frame_map(&frame, &info, buffer.get(), GST_MAP_READ));
    const auto* start = static_cast<guint8*>(frame.data[0]);
    EXPECT_EQ(static_cast<guint8*>(frame.data[1]) - start, 24);
    EXPECT_EQ(static_cast<guint8*>(frame.data[2]) - start, 30);
    EXPECT_EQ(frame.info.stride[2], 3);
    gst_video_frame_unmap(&frame);
}

}  // namespace
}  // namespace ndsharray::gst
