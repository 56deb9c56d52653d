// SPDX-License-Identifier: BSD-3-Clause
// A buffer that holds more than the picture its caps speak of: the frame is that part, and metas follow.
#include <gst/video/video.h>

#include <string>
#include <vector>

#include "gst_test.hpp"
#include "metas.hpp"

namespace ndsharray::test {
namespace {

/// The picture that caps of 64x48 speak of, in buffers of 100x70.
class Crop : public GstTest {
  protected:
    /// Sends `whole` with a crop, under caps of what is left.
    Sample cross(const std::string& format, Held<GstBuffer> whole, const Place& place) {
        const auto info = video_info(caps_text(format, 100, 70));
        auto plane_info = info;
        gst_buffer_add_video_meta_full(whole.get(), GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(&info),
                                       100, 70, GST_VIDEO_INFO_N_PLANES(&info), plane_info.offset,
                                       plane_info.stride);
        set(*gst_buffer_add_video_crop_meta(whole.get()), place);
        writer_.emplace(writing("backpressure=true wait-for-reader=true"));
        Pipeline reader(reading("mode=every"));
        take_video_meta(reader["out"]);
        reader.play();
        writer_->play();
        EXPECT_TRUE(push((*writer_)["in"], caps_text(format, 64, 48), std::move(whole)));
        return pull(reader["out"]);
    }

    /// The same part, cut out by GStreamer.
    std::vector<std::uint8_t> cut(const std::string& format, Held<GstBuffer> whole, const Place& place) {
        Pipeline pipeline("appsrc name=in format=time ! videocrop left=" + std::to_string(place.x) + " top=" +
                          std::to_string(place.y) + " right=" + std::to_string(100 - place.x - place.width) +
                          " bottom=" + std::to_string(70 - place.y - place.height) +
                          " ! appsink name=out sync=false async=false");
        pipeline.play();
        EXPECT_TRUE(push(pipeline["in"], caps_text(format, 100, 70), std::move(whole)));
        return pull(pipeline["out"]).pixels();
    }

    std::optional<Pipeline> writer_;
};

TEST_F(Crop, IsCutOutOfTheBuffer) {
    const Place place{12, 10, 64, 48};
    for (const std::string format :
         {"GRAY8", "RGB", "BGRx", "I420", "NV12", "YUY2", "Y42B", "Y444", "GRAY16_LE"}) {
        SCOPED_TRACE(format);
        const auto info = video_info(caps_text(format, 100, 70));
        const Sample sample = cross(format, random_frame(info), place);
        ASSERT_TRUE(sample);
        EXPECT_EQ(sample.pixels(), cut(format, random_frame(info), place));
        EXPECT_FALSE(gst_buffer_get_video_crop_meta(sample.buffer()));
    }
}

/// Chroma is shared by two columns or rows: the cut begins in the middle of such a pair.
TEST_F(Crop, AtAnOddPlaceIsThatOfVideocrop) {
    const Place place{13, 11, 64, 48};
    for (const std::string format : {"I420", "YV12", "NV12", "NV21", "Y42B"}) {
        SCOPED_TRACE(format);
        const auto info = video_info(caps_text(format, 100, 70));
        const Sample sample = cross(format, random_frame(info), place);
        ASSERT_TRUE(sample);
        EXPECT_EQ(sample.pixels(), cut(format, random_frame(info), place));
    }
}

TEST_F(Crop, RegionsOfInterestMoveWithIt) {
    auto whole = random_frame(video_info(caps_text("RGB", 100, 70)));
    add_region(whole.get(), "inside", {20, 30, 10, 11});
    add_region(whole.get(), "partly", {2, 50, 20, 4294967290});
    add_region(whole.get(), "outside", {0, 0, 12, 70});
    const Sample sample = cross("RGB", std::move(whole), {12, 10, 64, 48});
    ASSERT_TRUE(sample);
    const auto regions = regions_of(sample.buffer());
    ASSERT_EQ(regions.size(), 2U);
    EXPECT_EQ(place_of(*regions[0]), (Place{8, 20, 10, 11}));
    EXPECT_EQ(place_of(*regions[1]), (Place{0, 40, 10, 8}));
}

TEST_F(Crop, OutsideOfTheBufferIsNotBelieved) {
    const auto info = video_info(caps_text("RGB", 100, 70));
    const Sample sample = cross("RGB", random_frame(info), {37, 0, 64, 48});
    ASSERT_TRUE(sample);
    EXPECT_EQ(sample.pixels(), cut("RGB", random_frame(info), {0, 0, 64, 48}));
}

TEST_F(Crop, VideocropLeavesTheCopyToTheSink) {
    const std::string picture =
        "videotestsrc num-buffers=3 pattern=smpte ! video/x-raw,format=I420,width=100,height=70 ! "
        "videocrop left=12 top=10 right=24 bottom=12 ! ";
    Pipeline direct(picture + "appsink name=out sync=false async=false");
    Pipeline writer(picture + "ndshsink sync=false backpressure=true wait-for-reader=true tag=" + tag_);
    Pipeline reader(reading("mode=every"));
    direct.play();
    reader.play();
    writer.play();
    for (int i = 0; i < 3; ++i) {
        const Sample expected = pull(direct["out"]), found = pull(reader["out"]);
        ASSERT_TRUE(expected && found);
        EXPECT_EQ(found.pixels(), expected.pixels());
    }
    EXPECT_TRUE(writer.ends());
}

}  // namespace
}  // namespace ndsharray::test
