// SPDX-License-Identifier: BSD-3-Clause
// The latency of the source leaves a sink that synchronises the time to show every frame.
#include "gst_test.hpp"

#include <gst/base/gstbasesink.h>

#include <algorithm>
#include <utility>

#include "time/latency.hpp"

namespace ndsharray::test {
namespace {

struct LatencyAnswer {
    bool answered = false, live = false;
    GstClockTime minimum = 0, maximum = 0;
};

LatencyAnswer latency_of(GstElement* element) {
    const Held<GstQuery> query(gst_query_new_latency());
    LatencyAnswer latency;
    latency.answered = gst_element_query(element, query.get());
    gboolean live = FALSE;
    gst_query_parse_latency(query.get(), &live, &latency.minimum, &latency.maximum);
    latency.live = live;
    return latency;
}

class Latency : public GstTest {
  protected:
    Latency() : reader_(reading()) {}
    explicit Latency(const std::string& reader) : reader_(reader) {}

    void start() {
        ASSERT_TRUE(writer_.reaches(GST_STATE_PLAYING));
        ASSERT_TRUE(reader_.reaches(GST_STATE_PLAYING));
        ASSERT_TRUE(has_readers(writer_["sink"]));
        // So that a frame can be late, and yet have been captured while both were playing.
        const GstClockTime both_play = std::max(writer_.base_time(), reader_.base_time());
        ASSERT_TRUE(wait_until([&] { return now() > both_play + static_cast<GstClockTime>(late); }));
    }

    static GstClockTime now() {
        const gst::Owned<GstClock> clock(gst_system_clock_obtain());
        return gst_clock_get_time(clock.get());
    }

    /// Sends a frame whose time has come `age` ago, or is still to come, and gets it back.
    Sample carried(GstClockTimeDiff age) {
        Held<GstBuffer> buffer = random_frame(video_info(caps_));
        GST_BUFFER_PTS(buffer.get()) = now() - age - writer_.base_time();
        EXPECT_TRUE(push(writer_["in"], caps_, std::move(buffer)));
        return pull(reader_["out"]);
    }

    GstClockTime reported() { return latency_of(reader_["src"]).minimum; }

    /// However busy the machine is, a frame that is this early is not late. (One that is a minute early
    /// counts as a mistake.)
    static constexpr GstClockTimeDiff early = -50 * static_cast<GstClockTimeDiff>(GST_SECOND);
    static constexpr GstClockTimeDiff late = 300 * static_cast<GstClockTimeDiff>(GST_MSECOND);

    const std::string caps_ = "video/x-raw,format=GRAY8,width=8,height=4,framerate=10/1";
    Pipeline writer_{writing("async=false")};
    Pipeline reader_;
};

TEST_F(Latency, IsThatOfALiveSource) {
    start();
    const LatencyAnswer latency = latency_of(reader_["src"]);
    EXPECT_TRUE(latency.answered);
    EXPECT_TRUE(latency.live);
    EXPECT_EQ(latency.minimum, GST_SECOND / 30) << "no frame came, so that nothing is known";
    EXPECT_GE(latency.maximum, latency.minimum);
}

TEST_F(Latency, IsNoMoreThanFramesNeed) {
    start();
    ASSERT_TRUE(carried(early));
    EXPECT_EQ(reported(), GST_MSECOND) << "and not the 100 ms that a frame lasts";
}

/// The frames after it are as old as it is, and a sink is not to drop those that come until that is noticed.
TEST_F(Latency, IsTheAgeOfTheFirstFrame) {
    start();
    ASSERT_TRUE(carried(late));
    EXPECT_GE(reported(), static_cast<GstClockTime>(late));
    EXPECT_TRUE(reader_.message(GST_MESSAGE_LATENCY));
}

TEST_F(Latency, FallsWhereOnlyTheStartWasLate) {
    start();
    ASSERT_TRUE(carried(late));
    EXPECT_TRUE(wait_until([&] {
        EXPECT_TRUE(carried(early));
        return reported() == GST_MSECOND;
    }));
}

/// Nothing that is done now brings that frame back.
TEST(LatencyTracker, StaysWhereAFewFramesAreLate) {
    gst::LatencyTracker tracker;
    constexpr std::int64_t length = 33'000'000;
    std::int64_t now = 0;
    for (int second = 0; second < 10; ++second) {
        for (int frame = 0; frame < 30; ++frame) {
            tracker.observe(frame >= 20 && frame < 25 ? 100'000'000 : 200'000, now += length);
        }
        EXPECT_EQ(tracker.minimum(), tracker.step);
    }
}

TEST(LatencyTracker, StaysWhereFramesAreLateInTurn) {
    gst::LatencyTracker tracker;
    std::int64_t now = 0;
    for (int frame = 0; frame < 300; ++frame) {
        tracker.observe(frame % 2 * 2'000'000, now += 33'000'000);
    }
    EXPECT_EQ(tracker.minimum(), 3 * tracker.step);
}

TEST_F(Latency, GrowsWhereFramesKeepComingLate) {
    start();
    ASSERT_TRUE(carried(0));
    EXPECT_TRUE(wait_until([&] {
        EXPECT_TRUE(carried(late));
        return reported() >= static_cast<GstClockTime>(late);
    }));
}

TEST_F(Latency, IsThatOfEachWriter) {
    start();
    ASSERT_TRUE(carried(late));
    writer_.set_state(GST_STATE_NULL);
    ASSERT_TRUE(writer_.reaches(GST_STATE_PLAYING));
    ASSERT_TRUE(has_readers(writer_["sink"]));
    ASSERT_TRUE(carried(early));
    EXPECT_EQ(reported(), GST_MSECOND);
}

TEST_F(Latency, OfFramesWithTheTimeOfTheirArrivalIsNone) {
    g_object_set(reader_["src"], "timestamps", 3, nullptr);
    start();
    ASSERT_TRUE(carried(late));
    EXPECT_EQ(reported(), GST_MSECOND);
}

TEST_F(Latency, IsNoLessThanTheApplicationSays) {
    g_object_set(reader_["src"], "min-latency", guint64{50 * GST_MSECOND}, nullptr);
    start();
    EXPECT_EQ(reported(), 50 * GST_MSECOND);
    while (reader_.message(GST_MESSAGE_LATENCY, 0s)) {
    }
    ASSERT_TRUE(carried(early));
    EXPECT_EQ(reported(), 50 * GST_MSECOND);
    while (const auto message = reader_.message(GST_MESSAGE_LATENCY, 0s)) {
        EXPECT_NE(GST_MESSAGE_SRC(message.get()), GST_OBJECT(reader_["src"])) << "nothing changed";
    }
    g_object_set(reader_["src"], "min-latency", guint64{80 * GST_MSECOND}, nullptr);
    EXPECT_EQ(reported(), 80 * GST_MSECOND);
    EXPECT_TRUE(reader_.message(GST_MESSAGE_LATENCY));
    g_object_set(reader_["src"], "min-latency", guint64{0}, nullptr);
    EXPECT_EQ(reported(), GST_MSECOND);
}

/// What a synchronising sink behind ndshsrc has to spare. A machine that is busy with something else may make
/// any frame late; what may not is a frame that was carried in no time, so what is compared are the instants
/// that such a frame would come at and those that the sink waits for.
class TimeToShow : public Latency {
  protected:
    TimeToShow() : Latency("ndshsrc name=src tag=cam0 ! appsink name=out async=false max-buffers=1") {}

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
};

TEST_F(TimeToShow, IsLeftAfterTheWriterHadTheFrame) {
    for (const bool synchronises : {true, false}) {
        SCOPED_TRACE(synchronises);
        Pipeline writer(
            std::string("videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=25/1 ! "
                        "ndshsink name=sink tag=cam0 sync=") +
            (synchronises ? "true" : "false"));
        writer.play();
        reader_.play();
        ASSERT_TRUE(pull(reader_["out"]));
        follow_latency();
        const GstClockTime writers = synchronises ? sink_latency(writer["sink"]) : 0;
        for (int i = 0; i < 10; ++i) {
            const Sample sample = pull(reader_["out"]);
            ASSERT_TRUE(sample);
            follow_latency();
            const GstClockTime published = writer.base_time() + sample.offset() * frame_length + writers;
            EXPECT_GE(deadline(sample), published);
        }
        reader_.set_state(GST_STATE_NULL);
    }
}

TEST_F(TimeToShow, IsLaterWhereFramesKeepComingLate) {
    start();
    EXPECT_TRUE(wait_until([&] {
        EXPECT_TRUE(carried(late));
        follow_latency();
        return sink_latency(reader_["out"]) >= static_cast<GstClockTime>(late);
    }));
    for (int i = 0; i < 10; ++i) {
        const GstClockTime pushed = now();
        const Sample sample = carried(late);
        ASSERT_TRUE(sample);
        EXPECT_GE(deadline(sample), pushed);
    }
}

}  // namespace
}  // namespace ndsharray::test
