// SPDX-License-Identifier: BSD-3-Clause
// ndshsrc keepalive: the last frame again and again while none comes, at a time that only goes forward.
#include "gst_test.hpp"

#include <algorithm>
#include <atomic>

#include "pad_watch.hpp"
#include "remote_pipeline.hpp"
#include "resources.hpp"

namespace ndsharray::test {
namespace {

class Keepalive : public GstTest {
  protected:
    static std::string reading_on(const std::string& properties, const std::string& sink = "sync=false") {
        return "ndshsrc name=src tag=cam0 " + properties +
               " ! fakesink name=out async=false enable-last-sample=false " + sink;
    }

    const std::string other_caps_ = caps_text("GRAY8", 31, 17);
    static constexpr GstClockTime interval = 30 * GST_MSECOND;
    const std::string on_ = "keepalive=30000000 ";
};

GstClockTime now_of(const Pipeline& pipeline) {
    const gst::Owned<GstClock> clock(gst_pipeline_get_clock(GST_PIPELINE(pipeline.get())));
    return gst_clock_get_time(clock.get()) - pipeline.base_time();
}

TEST_F(Keepalive, RepeatsTheLastFrameWithACurrentTimeWhileNothingComes) {
    Pipeline writer(writing());
    Pipeline reader(reading_on(on_));
    PadWatch watch(reader["src"], "src");
    writer.play();
    reader.play();
    Held<GstBuffer> frame = random_frame(video_info(caps_), 7);
    GST_BUFFER_OFFSET(frame.get()) = 7;
    GST_BUFFER_PTS(frame.get()) = 0;
    GST_BUFFER_FLAG_SET(frame.get(), GST_BUFFER_FLAG_GAP);
    ASSERT_TRUE(push(writer["in"], caps_, std::move(frame)));
    ASSERT_TRUE(watch.reaches(6));
    const auto all = watch.all();
    EXPECT_TRUE(all[0].is_discont && all[0].is_gap);
    for (std::size_t i = 1; i < all.size(); ++i) {
        EXPECT_EQ(all[i].checksum, all[0].checksum);
        EXPECT_EQ(all[i].offset, 7U);
        EXPECT_EQ(all[i].duration, interval);
        EXPECT_FALSE(all[i].is_gap || all[i].is_discont || all[i].follows_caps_event);
        EXPECT_TRUE(i == 1 || all[i].running_time >= all[i - 1].running_time + interval);
        EXPECT_LE(all[i].running_time, now_of(reader));
    }
    EXPECT_TRUE(strictly_later(all));
    EXPECT_GE(counter(reader["src"], "repeated"), 5U);
    EXPECT_EQ(counter(reader["src"], "frames"), 1U);
}

TEST_F(Keepalive, IsOffUnlessAskedFor) {
    Pipeline writer(writing());
    Pipeline off(reading_on("")), on(reading_on(on_));
    PadWatch watch_off(off["src"], "src"), watch_on(on["src"], "src");
    for (Pipeline* pipeline : {&writer, &off, &on})
        pipeline->play();
    ASSERT_TRUE(has_readers(writer["sink"], 2));
    ASSERT_TRUE(push_random(writer["in"], caps_, 1));
    ASSERT_TRUE(watch_off.reaches(1));
    ASSERT_TRUE(watch_on.reaches(6));
    EXPECT_EQ(watch_off.count(), 1U);
    EXPECT_EQ(counter(off["src"], "repeated"), 0U);
}

TEST_F(Keepalive, HasNothingToRepeatBeforeTheFirstFrame) {
    Pipeline reader(reading_on(on_ + "timeout=200000000 on-disconnect=eos"));
    PadWatch watch(reader["src"], "src");
    reader.play();
    ASSERT_TRUE(reader.ends());
    EXPECT_EQ(watch.count(), 0U);
}

/// The frame after the repeated ones is one that should have been shown long before them.
TEST_F(Keepalive, NextFrameIsLaterThanTheRepeatedOnesWhateverItsTime) {
    for (const std::string mode : {"clock", "arrival", "stream", "auto"}) {
        SCOPED_TRACE(mode);
        Pipeline writer(writing());
        Pipeline reader(reading_on(on_ + "mode=every timestamps=" + mode));
        PadWatch watch(reader["src"], "src");
        writer.play();
        reader.play();
        ASSERT_TRUE(has_readers(writer["sink"]));
        for (unsigned frame = 0; frame < 3; ++frame) {
            const std::size_t before = watch.count();
            ASSERT_TRUE(push_random(writer["in"], caps_, frame));  // 40 ms after the last
            ASSERT_TRUE(watch.reaches(before + 5));
        }
        const auto all = watch.all();
        EXPECT_TRUE(strictly_later(all));
        for (unsigned frame = 0; frame < 3; ++frame)
            EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](auto& b) { return b.offset == frame; }));
    }
}

TEST_F(Keepalive, StreamKeepsItsOwnTimesBesideTheRepeatedFrames) {
    Pipeline writer(writing("backpressure=true wait-for-reader=true"));
    Pipeline reader(reading_on(on_ + "mode=every"));
    PadWatch watch(reader["src"], "src");
    writer.play();
    reader.play();
    ASSERT_TRUE(push_random(writer["in"], caps_, 0, 3));
    ASSERT_TRUE(watch.reaches(8));
    ASSERT_TRUE(push_random(writer["in"], caps_, 3, 3));
    ASSERT_TRUE(watch.sees([](const Passed& b) { return b.offset == 5; }));
    const auto all = watch.all();
    EXPECT_TRUE(strictly_later(all));
    std::uint64_t next = 0;
    for (const Passed& buffer : all) {
        if (buffer.offset != next)
            continue;  // repeated
        EXPECT_EQ(buffer.pts, next * frame_length);
        ++next;
    }
    EXPECT_EQ(next, 6U);
}

struct Rendered {
    guint64 rendered = 0, dropped = 0;
};

Rendered rendered_by(GstElement* sink) {
    GstStructure* structure = nullptr;
    g_object_get(sink, "stats", &structure, nullptr);
    const Held<GstStructure> stats(structure);
    Rendered result;
    gst_structure_get(stats.get(), "rendered", G_TYPE_UINT64, &result.rendered, "dropped", G_TYPE_UINT64,
                      &result.dropped, nullptr);
    return result;
}

TEST_F(Keepalive, CameraThatRestartsKeepsASinkThatSynchronisesBusy) {
    Pipeline reader(reading_on("keepalive=60000000", "sync=true qos=true max-lateness=500000000"));
    PadWatch watch(reader["src"], "src");
    reader.play();
    const std::string camera =
        "videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=50/1 ! ndshsink name=sink "
        "tag=cam0";
    for (int round = 0; round < 3; ++round) {
        RemotePipeline writer(camera);
        const auto frames = counter(reader["src"], "frames"), repeated = counter(reader["src"], "repeated");
        ASSERT_TRUE(wait_until([&] { return counter(reader["src"], "frames") > frames + 10; }));
        writer.kill();
        ASSERT_TRUE(wait_until([&] { return counter(reader["src"], "repeated") > repeated + 4; }));
    }
    ASSERT_TRUE(wait_until([&] { return rendered_by(reader["out"]).rendered + 10 > watch.count(); }));
    EXPECT_EQ(rendered_by(reader["out"]).dropped, 0U);
    EXPECT_TRUE(strictly_later(watch.all()));
    directory_.clear();
}

TEST_F(Keepalive, HoldsNoSharedMemoryOfAWriterThatIsGone) {
    Pipeline reader(reading_on(on_));
    PadWatch watch(reader["src"], "src");
    RemotePipeline writer(writing());
    reader.play();
    writer.push_random(caps_, 1);
    ASSERT_TRUE(watch.reaches(1));
    EXPECT_TRUE(contains(watch.all().at(0).file, "/ndsh."));
    ASSERT_TRUE(watch.reaches(3));
    EXPECT_EQ(watch.last().file, "");
    writer.stop();
    ASSERT_TRUE(watch.reaches(watch.count() + 3));
    EXPECT_TRUE(wait_until([] { return count_of_mapped_files() == 0; })) << count_of_mapped_files();
}

TEST_F(Keepalive, LeavesAWriterWithFewSlotsAllItNeeds) {
    Pipeline writer(writing("slots=3 backpressure=true wait-for-reader=true"));
    Pipeline reader(reading_on("keepalive=3600000000000 mode=every max-leases=1"));
    writer.play();
    reader.play();
    ASSERT_TRUE(push_random(writer["in"], caps_, 0, 50));
    end(writer["in"]);
    EXPECT_TRUE(writer.ends());
    EXPECT_EQ(counter(writer["sink"], "dropped"), 0U);
    EXPECT_TRUE(wait_until([&] { return counter(reader["src"], "frames") == 50; }));
}

TEST_F(Keepalive, FrameOfOldCapsIsNotRepeatedAfterNewOnes) {
    Pipeline writer(writing());
    Pipeline reader(reading_on("keepalive=2000000"));
    PadWatch watch(reader["src"], "src");
    writer.play();
    reader.play();
    for (unsigned i = 0; i < 20; ++i) {
        const std::size_t before = watch.count();
        ASSERT_TRUE(push_random(writer["in"], i % 2 ? other_caps_ : caps_, i));
        ASSERT_TRUE(watch.sees([i](const Passed& b) { return b.offset == i; }, before));
        ASSERT_TRUE(watch.reaches(watch.count() + 2));
    }
    for (const Passed& buffer : watch.all()) {
        EXPECT_TRUE(contains(buffer.caps, buffer.offset % 2 ? "GRAY8" : "RGB")) << buffer.offset;
        EXPECT_FALSE(buffer.checksum.empty());
    }
}

/// Switched off when the new caps come and on again with their first frame, which is not kept thus.
TEST_F(Keepalive, FrameOfOldCapsIsNotRepeatedWhereTheFirstOfTheNewOnesWasNotKept) {
    Pipeline writer(writing());
    Pipeline reader(reading_on(on_));
    GstElement* src = reader["src"];
    std::atomic<bool> toggles = false;
    PadWatch watch(src, "src", [&](GstPadProbeInfo* info) {
        const bool is_buffer = info->type & GST_PAD_PROBE_TYPE_BUFFER;
        if (toggles && (is_buffer || GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_CAPS))
            g_object_set(src, "keepalive", is_buffer ? guint64{20 * GST_MSECOND} : guint64{0}, nullptr);
    });
    writer.play();
    reader.play();
    ASSERT_TRUE(push_random(writer["in"], caps_, 1));
    ASSERT_TRUE(watch.reaches(3));
    toggles = true;
    const std::size_t before = watch.count();
    ASSERT_TRUE(push_random(writer["in"], other_caps_, 2));
    ASSERT_TRUE(watch.sees([](const Passed& b) { return b.offset == 2; }, before));
    EXPECT_EQ(reader.message(GST_MESSAGE_ERROR, 100ms), nullptr);
    EXPECT_EQ(watch.last().offset, 2U);
}

TEST_F(Keepalive, EndsWithTheStream) {
    Pipeline writer(writing("wait-for-reader=true"));
    Pipeline reader(reading_on(on_));
    PadWatch watch(reader["src"], "src");
    writer.play();
    reader.play();
    ASSERT_TRUE(push_random(writer["in"], caps_, 1));
    ASSERT_TRUE(watch.reaches(3));
    end(writer["in"]);
    ASSERT_TRUE(reader.ends());
    const std::size_t before = watch.count();
    EXPECT_EQ(reader.message(GST_MESSAGE_ERROR, 100ms), nullptr);
    EXPECT_EQ(watch.count(), before);
}

TEST_F(Keepalive, BridgesTheTimeBetweenTwoStreamsWithOnEosWait) {
    Pipeline reader(reading_on(on_ + "on-eos=wait"));
    PadWatch watch(reader["src"], "src");
    reader.play();
    for (unsigned i = 0; i < 2; ++i) {
        Pipeline writer(writing("wait-for-reader=true"));
        writer.play();
        ASSERT_TRUE(push_random(writer["in"], caps_, i));
        end(writer["in"]);
        ASSERT_TRUE(writer.ends());
        ASSERT_TRUE(watch.sees([i](const Passed& b) { return b.offset == i; }));
        ASSERT_TRUE(watch.reaches(watch.count() + 3));
    }
    EXPECT_TRUE(strictly_later(watch.all()));
}

TEST_F(Keepalive, RestsWhilePaused) {
    Pipeline writer(writing());
    Pipeline reader(reading_on(on_));
    PadWatch watch(reader["src"], "src");
    writer.play();
    reader.play();
    ASSERT_TRUE(push_random(writer["in"], caps_, 1));
    ASSERT_TRUE(watch.reaches(3));
    ASSERT_TRUE(reader.reaches(GST_STATE_PAUSED));
    ASSERT_EQ(reader.message(GST_MESSAGE_ERROR, 40ms), nullptr);  // one may have been on its way
    const std::size_t before = watch.count();
    EXPECT_EQ(reader.message(GST_MESSAGE_ERROR, 150ms), nullptr);
    EXPECT_EQ(watch.count(), before);
    ASSERT_TRUE(reader.reaches(GST_STATE_PLAYING));
    EXPECT_TRUE(watch.reaches(before + 3));
    EXPECT_TRUE(strictly_later(watch.all()));
}

/// As a flush does, and an application that starts its pipelines at the same time.
TEST_F(Keepalive, FollowsARunningTimeThatIsSetBack) {
    Pipeline writer(writing());
    Pipeline reader(reading_on(on_));
    PadWatch watch(reader["src"], "src");
    writer.play();
    reader.play();
    ASSERT_TRUE(push_random(writer["in"], caps_, 1));
    ASSERT_TRUE(watch.sees([](const Passed& b) { return b.running_time > 200 * GST_MSECOND; }));
    const std::size_t before = watch.count();
    gst_element_set_base_time(reader["src"], reader.base_time() + now_of(reader));
    EXPECT_TRUE(watch.sees([](const Passed& b) { return b.running_time < 200 * GST_MSECOND; }, before));
}

TEST_F(Keepalive, DoesNotPutOffTheTimeout) {
    Pipeline writer(writing());
    Pipeline reader(reading_on(on_ + "timeout=250000000 on-disconnect=eos"));
    PadWatch watch(reader["src"], "src");
    writer.play();
    ASSERT_TRUE(push_random(writer["in"], caps_, 1));
    reader.play();
    ASSERT_TRUE(reader.ends());
    EXPECT_GE(counter(reader["src"], "repeated"), 2U);
    EXPECT_LE(counter(reader["src"], "repeated"), 8U);
}

TEST_F(Keepalive, ThatIsSetWhileWaitingCountsAtOnce) {
    Pipeline writer(writing());
    Pipeline reader(reading_on("keepalive=3600000000000"));
    PadWatch watch(reader["src"], "src");
    writer.play();
    reader.play();
    ASSERT_TRUE(push_random(writer["in"], caps_, 1));
    ASSERT_TRUE(watch.reaches(1));
    g_object_set(reader["src"], "keepalive", guint64{20 * GST_MSECOND}, nullptr);
    ASSERT_TRUE(watch.reaches(4));
    g_object_set(reader["src"], "keepalive", guint64{0}, nullptr);
    ASSERT_EQ(reader.message(GST_MESSAGE_ERROR, 40ms), nullptr);
    const std::size_t before = watch.count();
    EXPECT_EQ(reader.message(GST_MESSAGE_ERROR, 150ms), nullptr);
    EXPECT_EQ(watch.count(), before);
}

TEST_F(Keepalive, TagThatIsNotThereYetIsBridged) {
    Pipeline writer(writing());
    Pipeline reader(reading_on(on_));
    PadWatch watch(reader["src"], "src");
    writer.play();
    reader.play();
    ASSERT_TRUE(push_random(writer["in"], caps_, 1));
    ASSERT_TRUE(watch.reaches(1));
    g_object_set(reader["src"], "tag", "cam1", nullptr);
    ASSERT_TRUE(has_readers(writer["sink"], 0));
    ASSERT_TRUE(watch.reaches(watch.count() + 3));
    Pipeline second("appsrc name=in format=time ! ndshsink sync=false tag=cam1");
    second.play();
    ASSERT_TRUE(push_random(second["in"], other_caps_, 2));
    ASSERT_TRUE(watch.sees([](const Passed& b) { return b.offset == 2; }));
    EXPECT_TRUE(strictly_later(watch.all()));
}

TEST_F(Keepalive, EncoderGoesOnWhileTheCameraIsAway) {
    Pipeline reader(
        "ndshsrc name=src keepalive=40000000 tag=cam0 ! videoconvert ! theoraenc name=encoder ! "
        "fakesink sync=false async=false");
    PadWatch watch(reader["encoder"], "src");
    reader.play();
    {
        Pipeline writer(writing());
        writer.play();
        ASSERT_TRUE(push_random(writer["in"], caps_text("I420", 64, 48), 1));
        ASSERT_TRUE(watch.reaches(1));
    }
    EXPECT_TRUE(watch.reaches(watch.count() + 5));
    EXPECT_EQ(reader.error(0s).sentence, "");
}

}  // namespace
}  // namespace ndsharray::test
