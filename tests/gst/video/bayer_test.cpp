// SPDX-License-Identifier: BSD-3-Clause
// Mosaics of colour filters cross as arrays of their pixels, and are the same picture on the other side.
#include "gst_test.hpp"

#include <ndsharray/reader.hpp>
#include <ndsharray/writer.hpp>

#include <cstring>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "video/bayer.hpp"
#include "video/caps.hpp"
#include "video/video_layout.hpp"

namespace ndsharray::test {
namespace {

constexpr const char* patterns[] = {"bggr", "gbrg", "grbg", "rggb"};

std::string bayer_caps(const std::string& format, int width, int height) {
    return "video/x-bayer,format=" + format + ",width=" + std::to_string(width) +
           ",height=" + std::to_string(height) + ",framerate=30/1";
}

GstVideoInfo mosaic_info(const std::string& caps) {
    const Held<GstCaps> parsed(gst_caps_from_string(caps.c_str()));
    const auto info = gst::video_info(parsed.get());
    if (!info)
        throw std::runtime_error("no mosaic: " + caps);
    return *info;
}

std::vector<std::string> all_formats() {
    std::vector<std::string> formats(std::begin(patterns), std::end(patterns));
    for (const std::string pattern : patterns) {
        for (const char* bits : {"10", "12", "14", "16"}) {
            formats.push_back(pattern + bits + "le");
            formats.push_back(pattern + bits + "be");
        }
    }
    return formats;
}

class Bayer : public GstTest {
  protected:
    /// What comes out of a writer's pipeline through the tag and `conversion` behind it.
    Sample carried(const std::string& caps, Held<GstBuffer> frame, const std::string& conversion = "") {
        Pipeline writer(writing("wait-for-reader=true"));
        Pipeline reader("ndshsrc name=src mode=every tag=" + tag_ + " " + conversion +
                        " ! appsink name=out sync=false async=false");
        writer.play();
        reader.play();
        EXPECT_TRUE(push(writer["in"], caps, std::move(frame)));
        return pull(reader["out"]);
    }
};

TEST_F(Bayer, PixelsAndCapsCrossInEveryFormat) {
    for (const std::string& format : all_formats()) {
        const std::string caps = bayer_caps(format, 6, 5);
        SCOPED_TRACE(caps);
        const GstVideoInfo info = mosaic_info(caps);
        const Held<GstBuffer> frame = random_frame(info);
        const Sample sample = carried(caps, Held<GstBuffer>(gst_buffer_ref(frame.get())));
        ASSERT_TRUE(sample);
        const Held<GstCaps> expected(gst_caps_from_string(caps.c_str()));
        EXPECT_TRUE(gst_caps_is_equal(sample.caps(), expected.get()));
        EXPECT_EQ(pixels(sample.buffer(), info), pixels(frame.get(), info));
    }
}

TEST_F(Bayer, RowsAreThoseOfGStreamersElements) {
    for (const int width : {4, 5, 6, 7, 8}) {
        EXPECT_EQ(mosaic_info(bayer_caps("rggb", width, 3)).size, gsize{(width + 3u) / 4 * 4 * 3});
        EXPECT_EQ(mosaic_info(bayer_caps("rggb12le", width, 3)).size, gsize{(width + 3u) / 4 * 4 * 2 * 3});
    }
}

TEST_F(Bayer, IsAnArrayOfPixelsWithItsPattern) {
    Pipeline writer(writing());
    writer.play();
    for (const auto& [format, dtype, bits, item] :
         {std::tuple{"grbg", DType::UInt8, "8", 1}, std::tuple{"grbg12le", DType::UInt16, "12", 2}}) {
        const std::string caps = bayer_caps(format, 6, 4);
        SCOPED_TRACE(caps);
        ASSERT_TRUE(push(writer["in"], caps, random_frame(mosaic_info(caps))));
        ndsharray::Reader reader(tag_);
        Frame frame;
        ASSERT_TRUE(wait_until([&] {
            frame = reader.read(10s);
            return frame && frame.spec().dtype == dtype;
        }));
        EXPECT_EQ(frame.spec().ndim, 2U);
        EXPECT_EQ(frame.spec().shape[0], 4U);
        EXPECT_EQ(frame.spec().shape[1], 6U);
        EXPECT_EQ(frame.spec().strides[0], 8 * item);
        EXPECT_EQ(frame.attributes().find("bayer")->second, "grbg");
        EXPECT_EQ(frame.attributes().find("bits")->second, bits);
    }
}

TEST_F(Bayer, DemosaicShowsTheSamePictureAsWithoutATag) {
    for (const std::string pattern : patterns) {
        const std::string caps = bayer_caps(pattern, 62, 48);  // bayer2rgb 1.22 crashes at odd widths
        SCOPED_TRACE(caps);
        const Held<GstBuffer> frame = random_frame(mosaic_info(caps));
        const std::string demosaic = " ! bayer2rgb ! video/x-raw,format=RGBx";
        Pipeline direct("appsrc name=in format=time" + demosaic + " ! appsink name=out sync=false");
        direct.play();
        ASSERT_TRUE(push(direct["in"], caps, Held<GstBuffer>(gst_buffer_copy_deep(frame.get()))));
        const Sample expected = pull(direct["out"]);
        ASSERT_TRUE(expected);
        const Sample sample = carried(caps, Held<GstBuffer>(gst_buffer_copy_deep(frame.get())), demosaic);
        ASSERT_TRUE(sample);
        EXPECT_EQ(sample.pixels(), expected.pixels());
    }
}

TEST_F(Bayer, SourceThatTakesOurPoolWritesIntoTheSlots) {
    Pipeline writer(
        "videotestsrc num-buffers=5 ! video/x-bayer,format=bggr,width=62,height=48 ! "
        "ndshsink name=sink sync=false backpressure=true wait-for-reader=true tag=" +
        tag_);
    Pipeline reader(reading("mode=every"));
    writer.play();
    reader.play();
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(pull(reader["out"]));
    EXPECT_TRUE(has_counted_all(writer["sink"]));
    EXPECT_EQ(counter(writer["sink"], "zero-copied"), 5U);
}

TEST_F(Bayer, CapsOfTheUserMakeAnArrayAMosaic) {
    const std::uint64_t shape[] = {3, 5};
    const Held<GstCaps> given(gst_caps_from_string("video/x-bayer,format=rggb12le"));
    const gst::FrameCaps wide =
        gst::frame_caps(ArraySpec::contiguous(DType::UInt16, shape, ByteOrder::Little), {}, given.get());
    EXPECT_TRUE(gst::is_bayer(wide.info));
    EXPECT_EQ(GST_VIDEO_INFO_WIDTH(&wide.info), 5);
    EXPECT_EQ(wide.layout.stride[0], 10);
    EXPECT_FALSE(wide.layout.is_default);  // rows of NumPy have no padding
    EXPECT_THROW(gst::frame_caps(ArraySpec::contiguous(DType::UInt8, shape), {}, given.get()), gst::NoCaps);
}

/// Drivers and libraries of cameras know nothing of the rows of bayer2rgb.
TEST_F(Bayer, RowsAsCamerasPadThemAreTaken) {
    const std::pair<const char*, int> formats[] = {{"rggb", 1}, {"rggb12le", 2}};
    for (const auto& [format, bytes] : formats) {
        constexpr int width = 5, height = 3;
        const int row = width * bytes;
        for (const int stride : {row, (row + 3) / 4 * 4}) {
            SCOPED_TRACE(std::string(format) + " " + std::to_string(stride));
            Held<GstBuffer> frame(
                gst_buffer_new_allocate(nullptr, static_cast<gsize>(stride * height), nullptr));
            gst_buffer_memset(frame.get(), 0, 0xFF, gst_buffer_get_size(frame.get()));
            std::vector<std::uint8_t> mosaic;
            for (int y = 0; y < height; ++y) {
                for (int x = 0; x < row; ++x)
                    mosaic.push_back(static_cast<std::uint8_t>(y * row + x));
                gst_buffer_fill(frame.get(), static_cast<gsize>(y * stride), &mosaic[mosaic.size() - row],
                                static_cast<gsize>(row));
            }
            const std::string caps = bayer_caps(format, width, height);
            const Sample sample = carried(caps, std::move(frame));
            ASSERT_TRUE(sample);
            EXPECT_EQ(pixels(sample.buffer(), mosaic_info(caps)), mosaic);
        }
    }
}

TEST_F(Bayer, UnpaddedRowsArePaddedForElementsThatKnowNoOther) {
    const std::string caps = bayer_caps("rggb", 5, 3);
    const GstVideoInfo info = mosaic_info(caps);
    std::vector<std::uint8_t> array(15);
    for (std::size_t i = 0; i < array.size(); ++i)
        array[i] = static_cast<std::uint8_t>(i);
    const std::uint64_t shape[] = {3, 5};
    Writer writer(tag_);
    Pipeline reader(reading("caps=video/x-bayer,format=rggb"));
    reader.play();
    ASSERT_GT(writer.write({array.data(), ArraySpec::contiguous(DType::UInt8, shape)}), 0U);
    const Sample sample = pull(reader["out"]);
    ASSERT_TRUE(sample);
    EXPECT_EQ(gst_buffer_get_size(sample.buffer()), 24U);
    EXPECT_EQ(pixels(sample.buffer(), info), array);
}

TEST_F(Bayer, CapsTooLargeOrUnknownAreNone) {
    for (const std::string& caps : {bayer_caps("rggb", 2147483647, 2147483647), bayer_caps("rggb11le", 4, 4),
                                    bayer_caps("rggb10", 4, 4), bayer_caps("mono", 4, 4)}) {
        const Held<GstCaps> parsed(gst_caps_from_string(caps.c_str()));
        EXPECT_FALSE(gst::video_info(parsed.get())) << caps;
    }
}

}  // namespace
}  // namespace ndsharray::test
