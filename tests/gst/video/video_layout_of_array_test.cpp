// SPDX-License-Identifier: BSD-3-Clause
// Arrays that somebody else wrote, honest or not, as frames of given caps.
#include "video/video_layout.hpp"

#include <gtest/gtest.h>

#include <iterator>
#include <limits>
#include <ndsharray/error.hpp>
#include <random>
#include <vector>

#include "all_caps.hpp"

namespace ndsharray::gst {
namespace {

std::optional<VideoLayout> read_rgb_5x3(const ArraySpec& array) {
    return video_layout(make_info(GST_VIDEO_FORMAT_RGB, {5, 3}), array);
}

ArraySpec strided(DType dtype, std::vector<std::uint64_t> shape, std::vector<std::int64_t> strides,
                  std::uint64_t bytes = 0) {
    return ArraySpec::strided(dtype, shape, strides, bytes);
}

TEST(VideoLayoutOfArray, TakesTheRowPaddingThatTheArrayHas) {
    const auto tight = read_rgb_5x3(strided(DType::UInt8, {3, 5, 3}, {15, 3, 1}));
    ASSERT_TRUE(tight);
    EXPECT_EQ(tight->stride[0], 15);
    EXPECT_FALSE(tight->is_default);
    const auto padded = read_rgb_5x3(strided(DType::UInt8, {3, 5, 3}, {32, 3, 1}, 96));
    ASSERT_TRUE(padded);
    EXPECT_EQ(padded->stride[0], 32);
}

TEST(VideoLayoutOfArray, RefusesRowsWhosePaddingIsNotThere) {
    EXPECT_FALSE(read_rgb_5x3(strided(DType::UInt8, {3, 5, 3}, {32, 3, 1})));
}

TEST(VideoLayoutOfArray, RefusesOtherShapeDtypeOrStrides) {
    EXPECT_FALSE(read_rgb_5x3(strided(DType::UInt8, {3, 6, 3}, {18, 3, 1})));
    EXPECT_FALSE(read_rgb_5x3(strided(DType::UInt8, {5, 3, 3}, {9, 3, 1})));
    EXPECT_FALSE(read_rgb_5x3(strided(DType::UInt8, {3, 5, 4}, {20, 4, 1})));
    EXPECT_FALSE(read_rgb_5x3(strided(DType::UInt8, {3, 15}, {15, 1})));
    EXPECT_FALSE(read_rgb_5x3(strided(DType::Int8, {3, 5, 3}, {15, 3, 1})));
    EXPECT_FALSE(read_rgb_5x3(strided(DType::UInt16, {3, 5, 3}, {30, 6, 2})));
    EXPECT_FALSE(read_rgb_5x3(strided(DType::UInt8, {3, 5, 3}, {3, 9, 1})));
    EXPECT_FALSE(read_rgb_5x3(strided(DType::UInt8, {3, 5, 3}, {20, 4, 1}, 60)));
}

TEST(VideoLayoutOfArray, RefusesPixelsThatAreApart) {
    const GstVideoInfo planes = make_info(GST_VIDEO_FORMAT_Y444, {5, 3});
    EXPECT_TRUE(video_layout(planes, strided(DType::UInt8, {3, 3, 5}, {60, 20, 1}, 180)));
    EXPECT_FALSE(video_layout(planes, strided(DType::UInt8, {3, 3, 5}, {60, 20, 2}, 180)));
    const GstVideoInfo rows = make_info(GST_VIDEO_FORMAT_NV12, {6, 4});
    EXPECT_TRUE(video_layout(rows, strided(DType::UInt8, {6, 6}, {20, 1}, 120)));
    EXPECT_FALSE(video_layout(rows, strided(DType::UInt8, {6, 6}, {20, 2}, 120)));
}

TEST(VideoLayoutOfArray, RefusesUnalignedRowsAndPlanes) {
    const GstVideoInfo packed = make_info(GST_VIDEO_FORMAT_GRAY16_LE, {5, 3});
    const GstVideoInfo planes = make_info(GST_VIDEO_FORMAT_Y444_10LE, {5, 3});
    ArraySpec array = strided(DType::UInt16, {3, 5}, {11, 2}, 33);
    array.byte_order = ByteOrder::Little;
    EXPECT_FALSE(video_layout(packed, array));
    array = strided(DType::UInt16, {3, 3, 5}, {31, 10, 2}, 93);
    array.byte_order = ByteOrder::Little;
    EXPECT_FALSE(video_layout(planes, array));
}

TEST(VideoLayoutOfArray, RefusesTheOtherByteOrder) {
    const GstVideoInfo info = make_info(GST_VIDEO_FORMAT_GRAY16_BE, {4, 2});
    const std::uint64_t shape[] = {2, 4};
    EXPECT_TRUE(video_layout(info, ArraySpec::contiguous(DType::UInt16, shape, ByteOrder::Big)));
    EXPECT_FALSE(video_layout(info, ArraySpec::contiguous(DType::UInt16, shape, ByteOrder::Little)));
}

TEST(VideoLayoutOfArray, RefusesPaddedRowsWhereChromaRowsAreShorter) {
    const GstVideoInfo info = make_info(GST_VIDEO_FORMAT_I420, {6, 4});
    EXPECT_FALSE(video_layout(info, strided(DType::UInt8, {6, 6}, {8, 1}, 48)));
}

TEST(VideoLayoutOfArray, BytesInGStreamersLayoutHoldAnyFormat) {
    for_all_caps([](const GstVideoInfo& info) {
        const auto exact = video_layout(info, strided(DType::UInt8, {info.size}, {1}));
        ASSERT_TRUE(exact);
        EXPECT_TRUE(exact->is_default);
        const auto larger = video_layout(info, strided(DType::UInt8, {info.size + 1}, {1}));
        ASSERT_TRUE(larger);
        EXPECT_FALSE(larger->is_default);
        EXPECT_FALSE(video_layout(info, strided(DType::UInt8, {info.size - 1}, {1}, info.size)));
        EXPECT_FALSE(video_layout(info, strided(DType::UInt8, {info.size}, {2}, info.size * 2)));
    });
}

TEST(VideoLayoutOfArray, StrideOfASingleRowOrColumnNeedNotMeanAnything) {
    const GstVideoInfo info = make_info(GST_VIDEO_FORMAT_RGB, {5, 1});
    for (const std::int64_t stride : {std::int64_t{0}, std::int64_t{3}, std::int64_t{1} << 40}) {
        const auto layout = video_layout(info, strided(DType::UInt8, {1, 5, 3}, {stride, 3, 1}));
        ASSERT_TRUE(layout);
        EXPECT_EQ(layout->stride[0], 15);
    }
    EXPECT_TRUE(video_layout(make_info(GST_VIDEO_FORMAT_RGB, {1, 3}),
                             strided(DType::UInt8, {3, 1, 3}, {4, 7, 1}, 12)));
}

/// Values that break careless arithmetic.
std::uint64_t adversarial(std::mt19937_64& random, const ArraySpec& honest) {
    const std::uint64_t limits[] = {0,
                                    1,
                                    2,
                                    3,
                                    255,
                                    65536,
                                    std::uint64_t{1} << 31,
                                    (std::uint64_t{1} << 31) - 1,
                                    std::uint64_t{1} << 32,
                                    (std::uint64_t{1} << 32) + 1,
                                    std::uint64_t{1} << 61,
                                    std::uint64_t{1} << 62,
                                    std::numeric_limits<std::int64_t>::max(),
                                    std::numeric_limits<std::uint64_t>::max(),
                                    honest.bytes,
                                    honest.bytes - 1,
                                    honest.bytes * 2,
                                    honest.shape[0],
                                    honest.shape[1],
                                    static_cast<std::uint64_t>(honest.strides[0]),
                                    static_cast<std::uint64_t>(honest.strides[0]) + 1,
                                    static_cast<std::uint64_t>(honest.strides[0]) * 2,
                                    static_cast<std::uint64_t>(honest.strides[1])};
    return limits[random() % std::size(limits)];
}

ArraySpec mutated(std::mt19937_64& random, const ArraySpec& honest) {
    ArraySpec array = honest;
    for (std::uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
        const std::uint64_t value = adversarial(random, honest);
        const std::size_t dimension = random() % 4;
        switch (random() % 8) {
            case 0:
                array.dtype = static_cast<DType>(random() % 20);
                break;
            case 1:
                array.byte_order = static_cast<ByteOrder>(random() % 3);
                break;
            case 2:
                array.ndim = static_cast<std::uint32_t>(random() % 40);
                break;
            case 3:
                array.shape[dimension] = value;
                break;
            case 4:
            case 5:
                array.strides[dimension] = static_cast<std::int64_t>(value);
                break;
            default:
                array.bytes = value;
        }
    }
    return array;
}

TEST(VideoLayoutOfArray, NoArrayLeadsOutsideItself) {
    std::mt19937_64 random(3);
    std::size_t accepted = 0;
    for_all_caps([&](const GstVideoInfo& info) {
        const ArraySpec honest = video_layout(info).array;
        for (int i = 0; i < 100; ++i) {
            const ArraySpec array = mutated(random, honest);
            const auto layout = video_layout(info, array);
            if (!layout)
                continue;
            ++accepted;
            EXPECT_EQ(array.problem(), "");
            EXPECT_TRUE(planes_are_inside(info, *layout)) << ::testing::PrintToString(*layout);
        }
    });
    EXPECT_GT(accepted, 1000u) << "nothing was tested";
}

TEST(VideoLayoutOfArray, NoSizeInCapsLeadsOutside) {
    constexpr guint largest = std::numeric_limits<gint>::max();
    constexpr Size huge[] = {{largest, 1},    {1, largest},   {1000000000, 1}, {858993460, 1},
                             {65537, 3},      {46341, 46341}, {32768, 32768},  {1, 500000000},
                             {1409506256, 1}, {650425997, 1}, {639369090, 2},  {27863313, 34}};
    for (const GstVideoFormat format : raw_formats()) {
        for (const Size size : huge) {
            GstVideoInfo info;
            if (!gst_video_info_set_format(&info, format, size.width, size.height))
                continue;
            SCOPED_TRACE(to_text(info));
            try {
                EXPECT_TRUE(planes_are_inside(info, video_layout(info)));
            } catch (const Error& error) {
                EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
            }
            for (const std::uint64_t bytes : {std::uint64_t{1} << 20, std::uint64_t{info.size}}) {
                if (bytes > std::uint64_t{1} << 62)
                    continue;
                const auto layout = video_layout(info, strided(DType::UInt8, {bytes}, {1}));
                EXPECT_TRUE(!layout || planes_are_inside(info, *layout));
            }
        }
    }
}

TEST(VideoLayoutOfArray, AFrameWithoutPixelsHasNoLayout) {
    for (const GstVideoFormat format : raw_formats()) {
        for (const Size size : {Size{0, 0}, Size{0, 4}, Size{4, 0}}) {
            GstVideoInfo info;
            if (!gst_video_info_set_format(&info, format, size.width, size.height))
                continue;
            SCOPED_TRACE(to_text(info));
            EXPECT_FALSE(video_layout(info, strided(DType::UInt8, {4096}, {1})));
            EXPECT_THROW(video_layout(info), Error);
        }
    }
}

}  // namespace
}  // namespace ndsharray::gst
