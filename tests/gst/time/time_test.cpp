// SPDX-License-Identifier: BSD-3-Clause
// A frame's time is the same instant in both pipelines, whatever clocks they have; what else crosses with it.
#include "gst_test.hpp"

#include <gst/video/video.h>

#include <cstdlib>
#include <optional>

#include "instant.hpp"

namespace ndsharray::test {
namespace {

using Clock = gst::Owned<GstClock>;

Clock system_clock(GstClockType type) {
    return Clock(
        GST_CLOCK(gst_object_ref_sink(g_object_new(GST_TYPE_SYSTEM_CLOCK, "clock-type", type, nullptr))));
}

/// A clock of its own: an hour ahead of CLOCK_MONOTONIC.
Clock shifted_clock() {
    Clock clock = system_clock(GST_CLOCK_TYPE_MONOTONIC);
    gst_clock_set_calibration(clock.get(), 0, 3600 * GST_SECOND, 1, 1);
    return clock;
}

struct NamedClock {
    const char* name;
    Clock clock;
    Instant uncertainty;  ///< of a frame's time, in nanoseconds
};

std::vector<NamedClock> clocks() {
    std::vector<NamedClock> result;
    result.push_back({"monotonic", system_clock(GST_CLOCK_TYPE_MONOTONIC), 0});
    result.push_back({"realtime", system_clock(GST_CLOCK_TYPE_REALTIME), 2'000'000});
    result.push_back({"shifted", shifted_clock(), 2'000'000});
    return result;
}

/// CLOCK_MONOTONIC at a running time of a pipeline.
Instant instant_of(const Pipeline& pipeline, GstClockTime running_time) {
    const Clock clock(gst_pipeline_get_clock(GST_PIPELINE(pipeline.get())));
    Instant best_width = second, offset = 0;
    for (int i = 0; i < 20; ++i) {
        const Instant before = monotonic_now();
        const auto reading = static_cast<Instant>(gst_clock_get_time(clock.get()));
        const Instant width = monotonic_now() - before;
        if (width < best_width) {
            best_width = width;
            offset = reading - before;
        }
    }
    if (std::abs(offset) < second / 1000)
        offset = 0;  // CLOCK_MONOTONIC itself
    return static_cast<Instant>(running_time + pipeline.base_time()) - offset;
}

class Time : public GstTest {
  protected:
    static Held<GstBuffer> frame(GstClockTime pts) {
        Held<GstBuffer> buffer = random_frame(video_info(caps_text("GRAY8", 8, 4)));
        GST_BUFFER_PTS(buffer.get()) = pts;
        return buffer;
    }

    /// Sends a frame and gets it back.
    Sample carried(Pipeline& writer, Pipeline& reader, Held<GstBuffer> buffer) const {
        EXPECT_TRUE(push(writer["in"], small_, std::move(buffer)));
        return pull(reader["out"]);
    }

    static void use_clock(Pipeline& pipeline, const Clock& clock) {
        gst_pipeline_use_clock(GST_PIPELINE(pipeline.get()), clock.get());
    }

    const std::string small_ = caps_text("GRAY8", 8, 4);
    // Far enough ahead that no reader has begun after it.
    static constexpr GstClockTime ahead = 20 * GST_SECOND;
};

TEST_F(Time, IsTheSameInstantForAllPairsOfClocks) {
    for (const NamedClock& writers : clocks())
        for (const NamedClock& readers : clocks()) {
            SCOPED_TRACE(std::string(writers.name) + " to " + readers.name);
            Pipeline writer(writing("wait-for-reader=true"));
            Pipeline reader(reading("mode=every"));
            use_clock(writer, writers.clock);
            use_clock(reader, readers.clock);
            writer.play();
            reader.play();
            for (int i = 0; i < 3; ++i) {
                const GstClockTime pts = ahead + static_cast<GstClockTime>(i) * GST_SECOND + 7;
                const Sample sample = carried(writer, reader, frame(pts));
                ASSERT_TRUE(sample);
                const Instant difference =
                    instant_of(reader, sample.running_time()) - instant_of(writer, pts);
                EXPECT_LE(std::abs(difference), writers.uncertainty + readers.uncertainty);
            }
        }
}

TEST_F(Time, KeepsItsStepsWithAClockThatIsMeasured) {
    Pipeline writer(writing("wait-for-reader=true"));
    Pipeline reader(reading("mode=every"));
    use_clock(writer, shifted_clock());
    use_clock(reader, system_clock(GST_CLOCK_TYPE_REALTIME));
    writer.play();
    reader.play();
    const Sample first = carried(writer, reader, frame(ahead));
    ASSERT_TRUE(first);
    for (GstClockTime i = 1; i < 20; ++i) {
        const Sample sample = carried(writer, reader, frame(ahead + i * 40 * GST_MSECOND));
        ASSERT_TRUE(sample);
        EXPECT_NEAR(static_cast<double>(sample.pts() - first.pts()),
                    static_cast<double>(i * 40 * GST_MSECOND), 1e6);
    }
}

TEST_F(Time, TwoReadersAgree) {
    Pipeline writer(writing());
    Pipeline one(reading()), other(reading());
    writer.play();
    one.play();
    other.play();
    ASSERT_TRUE(has_readers(writer["sink"], 2));
    ASSERT_TRUE(push(writer["in"], small_, frame(ahead)));
    const Sample a = pull(one["out"]), b = pull(other["out"]);
    ASSERT_TRUE(a && b);
    EXPECT_NE(one.base_time(), other.base_time());
    EXPECT_EQ(a.running_time() + one.base_time(), b.running_time() + other.base_time());
}

TEST_F(Time, ModeClockIsTheWritersInstant) {
    for (const std::string mode : {"clock", "auto"}) {
        SCOPED_TRACE(mode);
        Pipeline writer(writing("wait-for-reader=true"));
        Pipeline reader(reading("timestamps=" + mode));
        writer.play();
        reader.play();
        const Sample sample = carried(writer, reader, frame(ahead));
        ASSERT_TRUE(sample);
        EXPECT_EQ(sample.running_time() + reader.base_time(), ahead + writer.base_time());
    }
}

TEST_F(Time, ModeClockHoldsWithBackpressureTooWhereAskedFor) {
    Pipeline writer(writing("wait-for-reader=true backpressure=true"));
    Pipeline reader(reading("timestamps=clock mode=every"));
    writer.play();
    reader.play();
    const Sample sample = carried(writer, reader, frame(ahead));
    ASSERT_TRUE(sample);
    EXPECT_EQ(sample.running_time() + reader.base_time(), ahead + writer.base_time());
}

TEST_F(Time, ModeStreamIsTheWritersRunningTime) {
    Pipeline writer(writing("wait-for-reader=true"));
    Pipeline reader(reading("timestamps=stream"));
    writer.play();
    reader.play();
    for (const GstClockTime pts : {5 * GST_SECOND, 7 * GST_SECOND + 1}) {
        const Sample sample = carried(writer, reader, frame(pts));
        ASSERT_TRUE(sample);
        EXPECT_EQ(sample.pts(), pts);
    }
}

TEST_F(Time, ModeArrivalIsWhenTheFrameWasRead) {
    Pipeline writer(writing("wait-for-reader=true"));
    Pipeline reader(reading("timestamps=arrival"));
    writer.play();
    reader.play();
    for (int i = 0; i < 3; ++i) {
        const Instant before = monotonic_now();
        const Sample sample = carried(writer, reader, frame(ahead));
        ASSERT_TRUE(sample);
        EXPECT_GE(instant_of(reader, sample.running_time()), before - 1000);
        EXPECT_LE(instant_of(reader, sample.running_time()), monotonic_now() + 1000);
    }
}

TEST_F(Time, FrameWithoutPtsHasTheTimeOfItsArrival) {
    Pipeline writer(writing("wait-for-reader=true"));
    Pipeline reader(reading());
    writer.play();
    reader.play();
    const Instant before = monotonic_now();
    const Sample sample = carried(writer, reader, frame(GST_CLOCK_TIME_NONE));
    ASSERT_TRUE(sample);
    EXPECT_GE(instant_of(reader, sample.running_time()), before - 1000);
}

TEST_F(Time, SegmentOfTheWriterIsAllowedFor) {
    Pipeline writer(writing("wait-for-reader=true"));
    Pipeline reader(reading("timestamps=stream"));
    writer.play();
    reader.play();
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    segment.start = segment.position = 100 * GST_SECOND;
    segment.base = 3 * GST_SECOND;
    const Held<GstBuffer> buffer = frame(101 * GST_SECOND);
    const Held<GstCaps> caps(gst_caps_from_string(small_.c_str()));
    g_object_set(writer["in"], "handle-segment-change", TRUE, nullptr);
    const Held<GstSample> sample(gst_sample_new(buffer.get(), caps.get(), &segment, nullptr));
    GstFlowReturn flow = GST_FLOW_ERROR;
    g_signal_emit_by_name(writer["in"], "push-sample", sample.get(), &flow);
    ASSERT_EQ(flow, GST_FLOW_OK);
    const Sample result = pull(reader["out"]);
    ASSERT_TRUE(result);
    EXPECT_EQ(result.pts(), 4 * GST_SECOND);
}

TEST_F(Time, EveryStepOfAFileIsExactUnderBackpressure) {
    Pipeline writer(writing("wait-for-reader=true backpressure=true slots=4"));
    Pipeline reader("ndshsrc tag=cam0 mode=every ! appsink name=out sync=false async=false");
    writer.play();
    reader.play();
    std::vector<GstClockTime> expected;
    for (GstClockTime i = 0; i < 100; ++i) {
        expected.push_back(i * 33'366'700 + i * i % 7);
        Held<GstBuffer> buffer = frame(expected.back());
        GST_BUFFER_DTS(buffer.get()) = expected.back() - expected.back() / 3;
        ASSERT_TRUE(push(writer["in"], small_, std::move(buffer)));
    }
    end(writer["in"]);
    GstClockTime last = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const Sample sample = pull(reader["out"]);
        ASSERT_TRUE(sample) << i;
        EXPECT_EQ(sample.pts(), expected[i]) << i;
        EXPECT_EQ(GST_BUFFER_DTS(sample.buffer()), expected[i] - expected[i] / 3) << i;
        EXPECT_TRUE(i == 0 || sample.running_time() > last) << i;
        last = sample.running_time();
    }
}

TEST_F(Time, FramesFromBeforeTheBaseTimeDoNotShareAPts) {
    Pipeline writer(writing("wait-for-reader=true"));
    writer.play();
    const Clock clock(gst_system_clock_obtain());
    ASSERT_TRUE(push(writer["in"], small_, frame(0)));
    // The reader begins when the last of these frames is over.
    ASSERT_TRUE(wait_until([&] {
        return GST_CLOCK_TIME_IS_VALID(writer.base_time()) && writer.base_time() > 0 &&
               gst_clock_get_time(clock.get()) > writer.base_time() + 20 * GST_MSECOND;
    }));
    Pipeline reader(reading("mode=every timestamps=clock"));
    reader.play();
    std::optional<GstClockTime> last;
    for (GstClockTime i = 0; i < 15; ++i) {
        ASSERT_TRUE(i == 0 || push(writer["in"], small_, frame(i * GST_MSECOND)));
        const Sample sample = pull(reader["out"]);
        ASSERT_TRUE(sample) << i;
        EXPECT_TRUE(!last || sample.pts() > *last) << i;
        EXPECT_LT(sample.pts(), GST_MSECOND) << i;
        last = sample.pts();
    }
}

TEST_F(Time, DurationAndOffsetsCross) {
    Pipeline writer(writing("wait-for-reader=true"));
    Pipeline reader(reading());
    writer.play();
    reader.play();
    Held<GstBuffer> buffer = frame(ahead);
    GST_BUFFER_DURATION(buffer.get()) = 33'366'701;
    GST_BUFFER_OFFSET(buffer.get()) = 1234567890123;
    GST_BUFFER_OFFSET_END(buffer.get()) = 1234567890124;
    const Sample sample = carried(writer, reader, std::move(buffer));
    ASSERT_TRUE(sample);
    EXPECT_EQ(GST_BUFFER_DURATION(sample.buffer()), 33'366'701U);
    EXPECT_EQ(GST_BUFFER_OFFSET(sample.buffer()), 1234567890123U);
    EXPECT_EQ(GST_BUFFER_OFFSET_END(sample.buffer()), 1234567890124U);
}

TEST_F(Time, WhatIsNotKnownStaysUnknown) {
    Pipeline writer(writing("wait-for-reader=true"));
    Pipeline reader(reading());
    writer.play();
    reader.play();
    const Sample sample = carried(writer, reader, frame(ahead));
    ASSERT_TRUE(sample);
    EXPECT_FALSE(GST_BUFFER_DURATION_IS_VALID(sample.buffer()));
    EXPECT_FALSE(GST_BUFFER_DTS_IS_VALID(sample.buffer()));
    EXPECT_FALSE(GST_BUFFER_OFFSET_IS_VALID(sample.buffer()));
    EXPECT_FALSE(GST_BUFFER_OFFSET_END_IS_VALID(sample.buffer()));
}

TEST_F(Time, FlagsOfTheContentCross) {
    Pipeline writer(writing("wait-for-reader=true"));
    Pipeline reader(reading("mode=every"));
    writer.play();
    reader.play();
    ASSERT_TRUE(carried(writer, reader, frame(ahead)));  // the first has DISCONT anyway
    for (const guint flag :
         {guint{GST_BUFFER_FLAG_DISCONT}, guint{GST_BUFFER_FLAG_RESYNC}, guint{GST_BUFFER_FLAG_CORRUPTED},
          guint{GST_BUFFER_FLAG_MARKER}, guint{GST_BUFFER_FLAG_HEADER}, guint{GST_BUFFER_FLAG_GAP},
          guint{GST_BUFFER_FLAG_DROPPABLE}, guint{GST_BUFFER_FLAG_DELTA_UNIT},
          guint{GST_VIDEO_BUFFER_FLAG_INTERLACED}, guint{GST_VIDEO_BUFFER_FLAG_TFF},
          guint{GST_VIDEO_BUFFER_FLAG_RFF}, guint{GST_VIDEO_BUFFER_FLAG_ONEFIELD}, 0U}) {
        Held<GstBuffer> buffer = frame(ahead);
        gst_buffer_set_flags(buffer.get(), static_cast<GstBufferFlags>(flag));
        const Sample sample = carried(writer, reader, std::move(buffer));
        ASSERT_TRUE(sample);
        EXPECT_EQ(GST_BUFFER_FLAGS(sample.buffer()) & ~guint{GST_BUFFER_FLAG_TAG_MEMORY}, flag);
    }
}

TEST_F(Time, GapInTheFrameNumbersIsDiscontAndCounted) {
    Pipeline writer(writing("wait-for-reader=true"));
    Pipeline reader("ndshsrc name=src tag=cam0 ! appsink name=out sync=false async=false");
    writer.play();
    reader.play();
    ASSERT_TRUE(carried(writer, reader, frame(ahead)));
    EXPECT_FALSE(carried(writer, reader, frame(ahead)).is_discont());
    ASSERT_TRUE(reader.reaches(GST_STATE_PAUSED));
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(push(writer["in"], small_, frame(ahead)));
    ASSERT_TRUE(wait_until([&] { return counter(writer["sink"], "published") == 7; }));
    ASSERT_TRUE(reader.reaches(GST_STATE_PLAYING));
    ASSERT_TRUE(push(writer["in"], small_, frame(ahead)));
    EXPECT_TRUE(pull(reader["out"]).is_discont());
    EXPECT_EQ(counter(reader["src"], "missed"), 5U);
}

}  // namespace
}  // namespace ndsharray::test
