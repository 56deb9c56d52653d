// SPDX-License-Identifier: BSD-3-Clause
// A buffer that does not hold a frame of the caps before it is dropped, counted, and harms nobody.
#include "gst_test.hpp"

#include <gst/video/video.h>

#include <functional>
#include <utility>

#include "all_caps.hpp"
#include "video/buffer_check.hpp"
#include "video/video_meta.hpp"

namespace ndsharray::test {
namespace {

Held<GstBuffer> buffer_of(gsize bytes) {
    Held<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, bytes, nullptr));
    gst_buffer_memset(buffer.get(), 0, 0x5a, bytes);
    return buffer;
}

/// A buffer of `bytes` whose GstVideoMeta says that it is of these caps, changed by `change`.
Held<GstBuffer> buffer_with_meta(
    gsize bytes, const std::string& caps, const std::function<void(GstVideoMeta&)>& change = [](auto&) {}) {
    Held<GstBuffer> buffer = buffer_of(bytes);
    GstVideoInfo info = video_info(caps);
    change(*gst_buffer_add_video_meta_full(
        buffer.get(), GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(&info), GST_VIDEO_INFO_WIDTH(&info),
        GST_VIDEO_INFO_HEIGHT(&info), GST_VIDEO_INFO_N_PLANES(&info), info.offset, info.stride));
    return buffer;
}

/// As large as any that such a meta describes.
Held<GstBuffer> whole_buffer(const std::string& caps) {
    return buffer_with_meta(video_info(caps).size, caps);
}

// Any CRITICAL ends these tests, as all of the elements.
class Misfit : public GstTest {
  protected:
    void begin() {
        writer_.play();
        reader_.play();
        ASSERT_TRUE(has_readers(writer_["sink"]));
    }

    /// Before and after it, frames of these caps cross.
    void expect_dropped(const std::string& caps, Held<GstBuffer> misfit) {
        const auto dropped = counter(writer_["sink"], "dropped");
        ASSERT_TRUE(push_random(writer_["in"], caps, 1));
        ASSERT_TRUE(push(writer_["in"], caps, std::move(misfit)));
        ASSERT_TRUE(push_random(writer_["in"], caps, 2));
        for (const std::uint64_t offset : {1, 2}) {
            const Sample sample = pull(reader_["out"]);
            ASSERT_TRUE(sample);
            EXPECT_EQ(sample.offset(), offset);
            EXPECT_TRUE(sample.is_random_frame(caps));
        }
        EXPECT_EQ(counter(writer_["sink"], "dropped"), dropped + 1);
    }

    Pipeline writer_{writing("wait-for-reader=true backpressure=true")};
    Pipeline reader_{reading("mode=every")};

    // Of most formats, GStreamer copies planes; of those that share chroma within a row, we do.
    const std::string planar_ = caps_text("I420", 64, 48);
    const std::string packed_ = caps_text("YUY2", 64, 48);
};

TEST_F(Misfit, BufferThatIsTooSmallIsDropped) {
    begin();
    for (const std::string& caps : {caps_, planar_, packed_}) {
        SCOPED_TRACE(caps);
        expect_dropped(caps, buffer_of(video_info(caps).size - 1));
        expect_dropped(caps, buffer_of(1));
    }
}

TEST_F(Misfit, FrameOfAnotherFormatIsDropped) {
    begin();
    expect_dropped(caps_, whole_buffer(planar_));
    expect_dropped(planar_, whole_buffer(caps_text("YV12", 64, 48)));
    expect_dropped(packed_, whole_buffer(caps_text("UYVY", 64, 48)));
    expect_dropped(packed_, whole_buffer(caps_));
}

TEST_F(Misfit, FrameOfASmallerPictureIsDropped) {
    begin();
    for (const std::string format : {"RGB", "I420", "YUY2"}) {
        SCOPED_TRACE(format);
        for (const auto& [width, height] : {std::pair(32, 24), std::pair(32, 480), std::pair(640, 24)})
            expect_dropped(caps_text(format, 64, 48), whole_buffer(caps_text(format, width, height)));
    }
}

/// GStreamer allows a GstVideoMeta to be of more than the caps say.
TEST_F(Misfit, OfALargerPictureTheBeginningIsWhatTheCapsSay) {
    begin();
    for (const std::string format : {"RGB", "I420", "YUY2"}) {
        const std::string caps = caps_text(format, 64, 48);
        ASSERT_TRUE(push(writer_["in"], caps, whole_buffer(caps_text(format, 640, 480))));
        const Sample sample = pull(reader_["out"]);
        ASSERT_TRUE(sample) << format;
        EXPECT_EQ(sample.pixels(), std::vector<std::uint8_t>(video_info(caps).size, 0x5a)) << format;
    }
}

TEST_F(Misfit, PlanesThatLeaveTheBufferAreDropped) {
    begin();
    for (const std::string& caps : {caps_, planar_, packed_}) {
        SCOPED_TRACE(caps);
        const gsize bytes = video_info(caps).size;
        expect_dropped(caps, buffer_with_meta(bytes - 1, caps));
        expect_dropped(caps, buffer_with_meta(bytes, caps, [](GstVideoMeta& meta) {
                           meta.offset[meta.n_planes - 1] += 64;
                       }));
        expect_dropped(caps, buffer_with_meta(bytes, caps, [](GstVideoMeta& meta) { meta.stride[0] *= 10; }));
        expect_dropped(caps,
                       buffer_with_meta(bytes, caps, [](GstVideoMeta& meta) { meta.stride[0] = G_MAXINT; }));
        expect_dropped(caps, buffer_with_meta(bytes, caps, [](GstVideoMeta& meta) { meta.stride[0] *= -1; }));
        expect_dropped(
            caps, buffer_with_meta(bytes, caps, [](GstVideoMeta& meta) { meta.offset[0] = G_MAXSIZE - 10; }));
    }
}

TEST_F(Misfit, PlaneThatLeavesItsMemoryIsDropped) {
    begin();
    const gsize bytes = video_info(planar_).size;
    Held<GstBuffer> buffer = buffer_with_meta(bytes / 2, planar_);
    gst_buffer_append_memory(buffer.get(), gst_allocator_alloc(nullptr, bytes - bytes / 2, nullptr));
    expect_dropped(planar_, std::move(buffer));
}

/// In a buffer of exactly the size that GStreamer says it needs.
TEST(Fit, HasEveryFrameWithAndWithoutAGstVideoMeta) {
    gst::for_all_caps([](const GstVideoInfo& info) {
        const Held<GstBuffer> buffer = buffer_of(GST_VIDEO_INFO_SIZE(&info));
        EXPECT_TRUE(gst::fits(buffer.get(), info, std::nullopt));
        gst::add_video_meta(buffer.get(), info);
        EXPECT_TRUE(gst::fits(buffer.get(), info, std::nullopt));
    });
}

TEST_F(Misfit, LastRowNeedsNoPadding) {
    begin();
    const GstVideoInfo info = video_info(caps_);
    const gsize stride = 256, row = 64 * 3;
    ASSERT_TRUE(push(writer_["in"], caps_, buffer_with_meta(stride * 47 + row, caps_, [](GstVideoMeta& meta) {
                         meta.stride[0] = gint{stride};
                     })));
    const Sample sample = pull(reader_["out"]);
    ASSERT_TRUE(sample);
    EXPECT_EQ(sample.pixels(), std::vector<std::uint8_t>(info.size, 0x5a));
}

TEST_F(Misfit, RowsMayBeUpsideDown) {
    begin();
    ASSERT_TRUE(
        push(writer_["in"], caps_, buffer_with_meta(video_info(caps_).size, caps_, [](GstVideoMeta& meta) {
                 meta.offset[0] = gsize{47} * 64 * 3;
                 meta.stride[0] = -64 * 3;
             })));
    EXPECT_TRUE(pull(reader_["out"]));
}

}  // namespace
}  // namespace ndsharray::test
