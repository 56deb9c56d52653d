// SPDX-License-Identifier: BSD-3-Clause
// The latency of the source leaves a sink that synchronises the time to show every frame.
#include "gst_test.hpp"

#include <gst/base/gstbasesink.h>

#include <utility>

namespace ndsharray::test {
namespace {

using Latency = GstTest;

struct Answer {
    bool answered = false, live = false;
    GstClockTime minimum = 0, maximum = 0;
};

Answer latency_of(GstElement* element) {
    const Held<GstQuery> query(gst_query_new_latency());
    Answer latency;
    latency.answered = gst_element_query(element, query.get());
    gboolean live = FALSE;
    gst_query_parse_latency(query.get(), &live, &latency.minimum, &latency.maximum);
    latency.live = live;
    return latency;
}

TEST_F(Latency, IsThatOfALiveSourceAndAFrameLong) {
    Pipeline writer(writing("wait-for-reader=true"));
    Pipeline reader(reading());
    writer.play();
    reader.play();
    ASSERT_TRUE(push_random(writer["in"], "video/x-raw,format=GRAY8,width=8,height=4,framerate=10/1", 0));
    ASSERT_TRUE(pull(reader["out"]));
    const Answer latency = latency_of(reader["src"]);
    EXPECT_TRUE(latency.answered);
    EXPECT_TRUE(latency.live);
    EXPECT_EQ(latency.minimum, 100 * GST_MSECOND);
    EXPECT_GE(latency.maximum, latency.minimum);
}

/// What a synchronising sink behind ndshsrc has to spare. A machine that is busy with something else may make
/// any frame late; what may not is a frame that was carried in no time, so what is compared are the instants
/// that such a frame would come at and those that the sink waits for.
class TimeToShow : public Latency {
  protected:
    /// As an application does, and gst-launch-1.0.
    void follow_latency() {
        while (reader_.message(GST_MESSAGE_LATENCY, 0s)) {
            gst_bin_recalculate_latency(GST_BIN(reader_.get()));
        }
    }

    static GstClockTime sink_latency(GstElement* sink) {
        return gst_base_sink_get_latency(GST_BASE_SINK(sink));
    }

    /// Of the pipelines' clock, which is the same in both: when the sink shows this frame.
    GstClockTime deadline(const Sample& sample) {
        return reader_.base_time() + sample.running_time() + sink_latency(reader_["out"]);
    }

    Pipeline reader_{"ndshsrc name=src tag=cam0 ! appsink name=out async=false max-buffers=1"};
};

TEST_F(TimeToShow, IsAFrameLengthAfterTheWriterHadTheFrame) {
    for (const bool synchronises : {true, false}) {
        SCOPED_TRACE(synchronises);
        Pipeline writer(
            std::string("videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=25/1 ! "
                        "ndshsink name=sink tag=cam0 sync=") +
            (synchronises ? "true" : "false"));
        writer.play();
        reader_.play();
        ASSERT_TRUE(pull(reader_["out"]));
        EXPECT_TRUE(wait_until([&] {
            follow_latency();
            return sink_latency(reader_["out"]) >= frame_length;
        }));
        const GstClockTime writers = synchronises ? sink_latency(writer["sink"]) : 0;
        for (int i = 0; i < 10; ++i) {
            const Sample sample = pull(reader_["out"]);
            ASSERT_TRUE(sample);
            const GstClockTime published = writer.base_time() + sample.offset() * frame_length + writers;
            EXPECT_GE(deadline(sample), published + frame_length);
        }
        reader_.set_state(GST_STATE_NULL);
    }
}

TEST_F(TimeToShow, IsLaterWhereFramesKeepComingLate) {
    constexpr GstClockTime late = 300 * GST_MSECOND;
    Pipeline writer(writing("async=false"));
    ASSERT_TRUE(writer.reaches(GST_STATE_PLAYING));
    ASSERT_TRUE(reader_.reaches(GST_STATE_PLAYING));
    ASSERT_TRUE(has_readers(writer["sink"]));
    const gst::Owned<GstClock> clock(gst_system_clock_obtain());
    ASSERT_TRUE(wait_until([&] { return gst_clock_get_time(clock.get()) > reader_.base_time() + late; }));
    const auto carried_at = [&](GstClockTime now) {
        Held<GstBuffer> buffer = random_frame(video_info(caps_));
        GST_BUFFER_PTS(buffer.get()) = now - late - writer.base_time();
        EXPECT_TRUE(push(writer["in"], caps_, std::move(buffer)));
        return pull(reader_["out"]);
    };
    EXPECT_TRUE(wait_until([&] {
        EXPECT_TRUE(carried_at(gst_clock_get_time(clock.get())));
        follow_latency();
        return sink_latency(reader_["out"]) >= late;
    }));
    for (int i = 0; i < 10; ++i) {
        const GstClockTime pushed = gst_clock_get_time(clock.get());
        const Sample sample = carried_at(pushed);
        ASSERT_TRUE(sample);
        EXPECT_GE(deadline(sample), pushed);
    }
}

}  // namespace
}  // namespace ndsharray::test
