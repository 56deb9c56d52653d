// SPDX-License-Identifier: BSD-3-Clause
// Which way up a picture is crosses: as a tag before the first frame it holds for, for late readers too.
#include <gst/video/video.h>

#include <string>
#include <vector>

#include "gst_test.hpp"
#include "metadata/orientation.hpp"

namespace ndsharray::test {
namespace {

/// The tags that went into an appsink before each frame.
class Orientation : public GstTest {
  protected:
    Orientation() { write(); }

    void write() {
        writer_.reset();
        writer_.emplace(writing("backpressure=true"));
        const Held<GstCaps> caps(gst_caps_from_string(caps_.c_str()));
        g_object_set(in(), "caps", caps.get(), nullptr);  // which go before tags
        writer_->play();
    }

    GstElement* in() { return (*writer_)["in"]; }

    bool say(const char* orientation, GstTagScope scope = GST_TAG_SCOPE_STREAM) {
        GstTagList* tags = gst_tag_list_new(GST_TAG_TITLE, "a title", nullptr);
        if (orientation)
            gst_tag_list_add(tags, GST_TAG_MERGE_REPLACE, GST_TAG_IMAGE_ORIENTATION, orientation, nullptr);
        gst_tag_list_set_scope(tags, scope);
        return gst_element_send_event(in(), gst_event_new_tag(tags));
    }

    bool show() { return push_random(in(), caps_, shown_++); }

    /// What a reader knows when its next frame is there.
    std::string orientation(Pipeline& reader) {
        if (!pull(reader["out"]))
            return "no frame";
        const Held<GstPad> pad(gst_element_get_static_pad(reader["out"], "sink"));
        std::string result = "none";
        for (guint i = 0;; ++i) {
            GstEvent* event = gst_pad_get_sticky_event(pad.get(), GST_EVENT_TAG, i);
            if (!event)
                return result;
            GstTagList* tags = nullptr;
            gst_event_parse_tag(event, &tags);
            gchar* value = nullptr;
            if (gst_tag_list_get_string(tags, GST_TAG_IMAGE_ORIENTATION, &value))
                result = value;
            g_free(value);
            gst_event_unref(event);
        }
    }

    std::optional<Pipeline> writer_;
    unsigned shown_ = 0;
};

TEST_F(Orientation, EveryOneHasItsTag) {
    for (int i = GST_VIDEO_ORIENTATION_IDENTITY; i <= GST_VIDEO_ORIENTATION_UR_LL; ++i) {
        GstEvent* event = gst::orientation_event(static_cast<GstVideoOrientationMethod>(i));
        GstTagList* tags = nullptr;
        gst_event_parse_tag(event, &tags);
        GstVideoOrientationMethod method = GST_VIDEO_ORIENTATION_AUTO;
        EXPECT_TRUE(gst_video_orientation_from_tag(tags, &method));
        EXPECT_EQ(method, i);
        gst_event_unref(event);
    }
}

TEST_F(Orientation, CrossesWithTheFirstFrameItHoldsFor) {
    Pipeline reader(reading("mode=every"));
    reader.play();
    ASSERT_TRUE(show());
    EXPECT_EQ(orientation(reader), "none");
    for (const std::string tag : {"rotate-90", "flip-rotate-270", "rotate-0", "rotate-180"}) {
        ASSERT_TRUE(say(tag.c_str()) && show());
        EXPECT_EQ(orientation(reader), tag);
    }
    // Tags about something else change nothing.
    ASSERT_TRUE(say(nullptr) && show());
    EXPECT_EQ(orientation(reader), "rotate-180");
}

TEST_F(Orientation, IsKnownToReadersThatComeLate) {
    Pipeline early(reading("mode=every"));
    early.play();
    ASSERT_TRUE(say("rotate-90") && show());
    ASSERT_EQ(orientation(early), "rotate-90");
    Pipeline late(reading());
    late.play();
    EXPECT_EQ(orientation(late), "rotate-90");
}

TEST_F(Orientation, OfTheStreamCountsMoreThanOfTheContainer) {
    Pipeline reader(reading("mode=every"));
    reader.play();
    ASSERT_TRUE(say("rotate-90", GST_TAG_SCOPE_GLOBAL) && show());
    EXPECT_EQ(orientation(reader), "rotate-90");
    ASSERT_TRUE(say("rotate-180") && say("rotate-270", GST_TAG_SCOPE_GLOBAL) && show());
    EXPECT_EQ(orientation(reader), "rotate-180");
}

TEST_F(Orientation, EndsWithItsWriter) {
    Pipeline reader(reading("mode=every"));
    reader.play();
    ASSERT_TRUE(say("rotate-90") && show());
    ASSERT_EQ(orientation(reader), "rotate-90");
    write();
    ASSERT_TRUE(show());
    EXPECT_EQ(orientation(reader), "rotate-0");
}

TEST_F(Orientation, TurnsThePictureBehindTheReader) {
    Pipeline reader("ndshsrc mode=every tag=" + tag_ +
                    " ! videoflip video-direction=auto ! appsink name=out sync=false async=false");
    reader.play();
    ASSERT_TRUE(say("rotate-90") && show());
    const Sample sample = pull(reader["out"]);
    ASSERT_TRUE(sample);
    const GstVideoInfo info = sample.info();
    EXPECT_EQ(GST_VIDEO_INFO_WIDTH(&info), 48);
}

TEST_F(Orientation, CrossesARelay) {
    Pipeline relay("ndshsrc mode=every tag=" + tag_ +
                   " ! ndshsink sync=false async=false backpressure=true wait-for-reader=true tag=cam1");
    Pipeline reader("ndshsrc mode=every tag=cam1 ! appsink name=out sync=false async=false");
    reader.play();
    relay.play();
    ASSERT_TRUE(say("rotate-90") && show());
    EXPECT_EQ(orientation(reader), "rotate-90");
}

}  // namespace
}  // namespace ndsharray::test
