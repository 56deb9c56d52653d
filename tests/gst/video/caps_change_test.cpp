// SPDX-License-Identifier: BSD-3-Clause
// Caps that change while frames flow: each frame has its own, none is mixed, those held stay as they are.
#include "gst_test.hpp"

#include <support/background_call.hpp>

#include <atomic>
#include <optional>

#include "remote_pipeline.hpp"

namespace ndsharray::test {
namespace {

class CapsChange : public GstTest {
  protected:
    const std::string& caps_of_segment(unsigned segment) const { return all_[segment % all_.size()]; }

    /// Pushes frames of one segment after the other; the frame's number is its offset.
    bool push_segments(GstElement* appsrc, unsigned segments, unsigned frames_each) const {
        for (unsigned s = 0; s < segments; ++s)
            if (!push_random(appsrc, caps_of_segment(s), s * frames_each, frames_each))
                return false;
        return true;
    }

    // Other sizes, other formats, and other caps of the same array.
    const std::vector<std::string> all_ = {caps_text("RGB", 64, 48),     caps_text("BGR", 64, 48),
                                           caps_text("I420", 33, 17),    caps_text("RGB", 64, 50),
                                           caps_text("GRAY16_LE", 5, 3), caps_text("RGB", 64, 48)};
};

TEST_F(CapsChange, EachFrameComesWithItsOwnCaps) {
    for (const std::string mode : {"latest", "every"}) {
        SCOPED_TRACE(mode);
        Pipeline writer(writing("wait-for-reader=true"));
        Pipeline reader(reading("mode=" + mode));
        writer.play();
        reader.play();
        for (unsigned i = 0; i < 12; ++i) {
            ASSERT_TRUE(push_random(writer["in"], caps_of_segment(i), i));
            const Sample sample = pull(reader["out"]);
            ASSERT_TRUE(sample) << i;
            EXPECT_EQ(sample.offset(), i);
            EXPECT_TRUE(sample.is_random_frame(caps_of_segment(i))) << i;
        }
    }
}

TEST_F(CapsChange, OneCapsEventForEachChange) {
    Pipeline writer(writing("wait-for-reader=true backpressure=true"));
    Pipeline reader(reading("mode=every"));
    std::atomic<unsigned> events = 0;
    const Held<GstPad> pad(gst_element_get_static_pad(reader["src"], "src"));
    const auto count = [](GstPad*, GstPadProbeInfo* info, gpointer data) {
        if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_CAPS)
            ++*static_cast<std::atomic<unsigned>*>(data);
        return GST_PAD_PROBE_OK;
    };
    gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, count, &events, nullptr);
    writer.play();
    reader.play();
    ASSERT_TRUE(push_segments(writer["in"], 6, 3));
    for (int i = 0; i < 18; ++i)
        ASSERT_TRUE(pull(reader["out"]));
    EXPECT_EQ(events, 6U);
}

TEST_F(CapsChange, SegmentStaysWhereCapsAreTheSame) {
    Pipeline writer(writing("wait-for-reader=true"));
    Pipeline reader(reading());
    writer.play();
    reader.play();
    for (unsigned i = 0; i < 5; ++i) {
        ASSERT_TRUE(push_random(writer["in"], caps_, i));
        ASSERT_TRUE(pull(reader["out"]));
        EXPECT_EQ(counter(writer["sink"], "generation"), 1U);
    }
}

TEST_F(CapsChange, FrameRateAloneIsAChange) {
    Pipeline writer(writing("wait-for-reader=true"));
    Pipeline reader(reading());
    writer.play();
    reader.play();
    for (const int rate : {30, 25, 50}) {
        const std::string caps =
            "video/x-raw,format=RGB,width=64,height=48,framerate=" + std::to_string(rate) + "/1";
        ASSERT_TRUE(push_random(writer["in"], caps, 1));
        const Sample sample = pull(reader["out"]);
        ASSERT_TRUE(sample);
        EXPECT_EQ(sample.info().fps_n, rate);
    }
}

TEST_F(CapsChange, EveryReaderWithBackpressureGetsAllFramesOfAllSegments) {
    constexpr unsigned segments = 30, frames_each = 4;
    Pipeline writer(writing("wait-for-reader=true backpressure=true slots=3"));
    Pipeline reader(reading("mode=every"));
    writer.play();
    reader.play();
    BackgroundCall<bool> pushing([&] { return push_segments(writer["in"], segments, frames_each); });
    for (unsigned i = 0; i < segments * frames_each; ++i) {
        const Sample sample = pull(reader["out"]);
        ASSERT_TRUE(sample) << i;
        EXPECT_EQ(sample.offset(), i);
        EXPECT_TRUE(sample.is_random_frame(caps_of_segment(i / frames_each))) << i;
    }
    EXPECT_TRUE(pushing.result());
    EXPECT_EQ(counter(reader["src"], "missed"), 0U);
}

TEST_F(CapsChange, LatestReaderUnderLoadNeverMixesFormats) {
    constexpr unsigned segments = 200, frames_each = 3;
    Pipeline writer("appsrc name=in format=time block=true ! ndshsink name=sink sync=false tag=cam0");
    Pipeline reader(reading("on-eos=eos"));
    writer.play();
    reader.play();
    ASSERT_TRUE(has_readers(writer["sink"]));
    BackgroundCall<bool> pushing([&] {
        const bool pushed = push_segments(writer["in"], segments, frames_each);
        end(writer["in"]);
        return pushed;
    });
    unsigned received = 0;
    for (Sample sample = pull(reader["out"]); sample; sample = pull(reader["out"]), ++received)
        ASSERT_TRUE(
            sample.is_random_frame(caps_of_segment(static_cast<unsigned>(sample.offset()) / frames_each)))
            << sample.offset();
    EXPECT_TRUE(pushing.result());
    EXPECT_GT(received, 0U);
    EXPECT_TRUE(is_at_end(reader["out"]));
}

TEST_F(CapsChange, FramesHeldFromOldSegmentsStayIntact) {
    constexpr unsigned segments = 12, frames_each = 20;
    Pipeline writer(writing("wait-for-reader=true"));
    Pipeline reader(reading("mode=every max-leases=2"));
    writer.play();
    reader.play();
    std::vector<Sample> held;
    for (unsigned s = 0; s < segments; ++s)
        for (unsigned i = 0; i < frames_each; ++i) {
            ASSERT_TRUE(push_random(writer["in"], caps_of_segment(s), s * frames_each + i));
            Sample sample = pull(reader["out"]);
            ASSERT_TRUE(sample);
            if (i == 0)
                held.push_back(std::move(sample));
        }
    writer.set_state(GST_STATE_NULL);
    reader.set_state(GST_STATE_NULL);
    ASSERT_EQ(held.size(), segments);
    for (unsigned s = 0; s < segments; ++s) {
        EXPECT_EQ(held[s].offset(), s * frames_each);
        EXPECT_TRUE(held[s].is_random_frame(caps_of_segment(s))) << s;
    }
}

TEST_F(CapsChange, OldSegmentIsNotLeftInTheFolder) {
    Pipeline writer(writing("wait-for-reader=true backpressure=true"));
    Pipeline reader(reading("mode=every"));
    writer.play();
    reader.play();
    for (unsigned i = 0; i < 6; ++i) {
        ASSERT_TRUE(push_random(writer["in"], caps_of_segment(i), i));
        ASSERT_TRUE(pull(reader["out"]));
        // A reader has the frame before the old segment is removed.
        EXPECT_TRUE(wait_until([&] { return directory_.entries().size() == 3; }));
    }
}

class ShortStream : public CapsChange {
  protected:
    /// A few frames, another one with other caps, and the end at once.
    void push_short_stream(GstElement* appsrc) const {
        ASSERT_TRUE(push_random(appsrc, all_[0], 0, 3));
        ASSERT_TRUE(push_random(appsrc, all_[2], 3));
        end(appsrc);
    }
};

TEST_F(ShortStream, WithACapsChangeJustBeforeItsEndArrivesWhole) {
    for (int round = 0; round < 30; ++round) {
        Pipeline writer(writing("wait-for-reader=true backpressure=true"));
        Pipeline reader(reading("mode=every"));
        (round % 2 ? writer : reader).play();
        (round % 2 ? reader : writer).play();
        push_short_stream(writer["in"]);
        for (unsigned i = 0; i < 4; ++i) {
            const Sample sample = pull(reader["out"]);
            ASSERT_TRUE(sample) << round << ' ' << i;
            EXPECT_EQ(sample.offset(), i);
            EXPECT_TRUE(sample.is_random_frame(i < 3 ? all_[0] : all_[2]));
        }
        EXPECT_FALSE(pull(reader["out"]));
        EXPECT_TRUE(is_at_end(reader["out"]));
        EXPECT_TRUE(writer.ends());
    }
}

TEST_F(ShortStream, ArrivesWholeInAnotherProcessAlthoughTheWriterStopsAtOnce) {
    for (int round = 0; round < 3; ++round) {
        RemotePipeline reader("ndshsrc tag=cam0 mode=every ! appsink name=out sync=false async=false");
        {
            Pipeline writer(writing("wait-for-reader=true backpressure=true"));
            writer.play();
            push_short_stream(writer["in"]);
            EXPECT_TRUE(has_readers(writer["sink"]));
            // What the sink has not been given yet when it stops, it cannot hand over.
            EXPECT_TRUE(wait_until([&] { return counter(writer["sink"], "published") == 4; }));
        }
        for (unsigned i = 0; i < 4; ++i)
            EXPECT_EQ(reader.pull().offset, i) << round;
        reader.stop();
    }
}

}  // namespace
}  // namespace ndsharray::test
