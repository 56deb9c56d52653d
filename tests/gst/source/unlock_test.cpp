// SPDX-License-Identifier: BSD-3-Clause
// Every wait of both elements ends within 100 ms, at a change of state and at a flush.
#include "gst_test.hpp"

#include <support/background_call.hpp>

namespace ndsharray::test {
namespace {

/// Waits until nothing moves any more: each thread waits in the kernel for something that does not come.
bool everything_waits() {
    return wait_until(other_threads_are_blocked);
}

class Unlock : public GstTest {
  protected:
    static void expect_to_stop_in_time(Pipeline& pipeline) {
        ASSERT_TRUE(everything_waits());
        EXPECT_LE(time_of([&] { pipeline.set_state(GST_STATE_NULL); }), unlock_bound);
    }

    static void expect_to_flush_in_time(GstElement* element) {
        ASSERT_TRUE(everything_waits());
        EXPECT_LE(time_of([&] {
                      EXPECT_TRUE(gst_element_send_event(element, gst_event_new_flush_start()));
                      EXPECT_TRUE(gst_element_send_event(element, gst_event_new_flush_stop(TRUE)));
                  }),
                  unlock_bound);
    }

    /// Flushes an ndshsink as upstream does.
    static void expect_sink_to_flush_in_time(GstElement* sink) {
        ASSERT_TRUE(everything_waits());
        const Held<GstPad> pad(gst_element_get_static_pad(sink, "sink"));
        EXPECT_LE(time_of([&] {
                      EXPECT_TRUE(gst_pad_send_event(pad.get(), gst_event_new_flush_start()));
                      EXPECT_TRUE(gst_pad_send_event(pad.get(), gst_event_new_flush_stop(TRUE)));
                  }),
                  unlock_bound);
    }
};

TEST_F(Unlock, Source_WaitingForAWriter_Stops) {
    Pipeline reader(reading());
    reader.play();
    expect_to_stop_in_time(reader);
}

TEST_F(Unlock, Source_WaitingForAWriter_Flushes) {
    Pipeline reader(reading());
    reader.play();
    expect_to_flush_in_time(reader["src"]);
    Pipeline writer(writing());
    writer.play();
    ASSERT_TRUE(has_readers(writer["sink"]));
    ASSERT_TRUE(push_random(writer["in"], caps_, 1));
    EXPECT_TRUE(pull(reader["out"]));
}

TEST_F(Unlock, Source_WaitingForAFrame_Stops) {
    Pipeline writer(writing());
    Pipeline reader(reading());
    writer.play();
    reader.play();
    ASSERT_TRUE(has_readers(writer["sink"]));
    expect_to_stop_in_time(reader);
    EXPECT_TRUE(has_readers(writer["sink"], 0));
}

TEST_F(Unlock, Source_WaitingForAFrame_Flushes) {
    Pipeline writer(writing());
    Pipeline reader(reading());
    writer.play();
    reader.play();
    ASSERT_TRUE(has_readers(writer["sink"]));
    ASSERT_TRUE(push_random(writer["in"], caps_, 1));
    ASSERT_TRUE(pull(reader["out"]));
    expect_to_flush_in_time(reader["src"]);
    ASSERT_TRUE(push_random(writer["in"], caps_, 2));
    EXPECT_TRUE(pull(reader["out"]).is_random_frame(caps_));
}

TEST_F(Unlock, Source_WaitingForADownstreamThatTakesNothing_Stops) {
    Pipeline writer(writing());
    Pipeline reader(stuck_reader(tag_));
    writer.play();
    reader.play();
    ASSERT_TRUE(has_readers(writer["sink"]));
    ASSERT_TRUE(push_random(writer["in"], caps_, 1, 3));
    ASSERT_TRUE(wait_until([&] { return counter(reader["src"], "frames") >= 2; }));
    expect_to_stop_in_time(reader);
}

TEST_F(Unlock, Sink_WaitingForAFirstFrame_Stops) {
    Pipeline writer(writing());
    writer.play();
    expect_to_stop_in_time(writer);
}

TEST_F(Unlock, Sink_WaitingForAReader_Stops) {
    Pipeline writer(writing("wait-for-reader=true"));
    writer.play();
    ASSERT_TRUE(push_random(writer["in"], caps_, 1));
    expect_to_stop_in_time(writer);
}

TEST_F(Unlock, Sink_WaitingForAReader_Flushes) {
    Pipeline writer(writing("wait-for-reader=true"));
    writer.play();
    ASSERT_TRUE(push_random(writer["in"], caps_, 1));
    expect_sink_to_flush_in_time(writer["sink"]);
    EXPECT_EQ(counter(writer["sink"], "published"), 0U);
}

class UnlockUnderBackpressure : public Unlock {
  protected:
    UnlockUnderBackpressure() {
        writer_.play();
        reader_.play();
    }

    /// More frames than the reader, its sink and the slots take.
    void fill() {
        ASSERT_TRUE(push_random(writer_["in"], caps_, 0, 20));
        ASSERT_TRUE(wait_until([&] { return counter(writer_["sink"], "published") >= 3; }));
    }

    /// As many frames as there is room for, and the end, which waits for the reader.
    void fill_and_end() {
        ASSERT_TRUE(push_random(writer_["in"], caps_, 0, 4));
        end(writer_["in"]);
        ASSERT_TRUE(wait_until([&] { return counter(writer_["sink"], "published") == 4; }));
    }

    Pipeline writer_{writing("backpressure=true wait-for-reader=true slots=3")};
    Pipeline reader_{stuck_reader(tag_)};
};

TEST_F(UnlockUnderBackpressure, Sink_WaitingForASlot_StopsOnceTheReaderLeaves) {
    fill();
    ASSERT_TRUE(everything_waits());
    EXPECT_EQ(writer_.message(GST_MESSAGE_ERROR, 0s), nullptr);
    expect_to_stop_in_time(reader_);
    expect_to_stop_in_time(writer_);
}

TEST_F(UnlockUnderBackpressure, Sink_WaitingForASlot_Flushes) {
    fill();
    expect_sink_to_flush_in_time(writer_["sink"]);
}

TEST_F(UnlockUnderBackpressure, Sink_WaitingForASlot_Pauses) {
    fill();
    ASSERT_TRUE(everything_waits());
    EXPECT_LE(time_of([&] { writer_.set_state(GST_STATE_PAUSED); }), unlock_bound);
}

TEST_F(UnlockUnderBackpressure, Sink_HoldingTheEnd_Flushes) {
    fill_and_end();
    expect_sink_to_flush_in_time(writer_["sink"]);
}

TEST_F(UnlockUnderBackpressure, Sink_HoldingTheEnd_Pauses) {
    fill_and_end();
    ASSERT_TRUE(everything_waits());
    EXPECT_LE(time_of([&] { writer_.set_state(GST_STATE_PAUSED); }), unlock_bound);
}

TEST_F(UnlockUnderBackpressure, Sink_HoldingTheEnd_EndsOnceTheReaderFlushes) {
    fill_and_end();
    ASSERT_TRUE(everything_waits());
    ASSERT_TRUE(gst_element_send_event(reader_["src"], gst_event_new_flush_start()));
    EXPECT_TRUE(writer_.ends());
    ASSERT_TRUE(gst_element_send_event(reader_["src"], gst_event_new_flush_stop(TRUE)));
}

TEST_F(UnlockUnderBackpressure, Sink_StopsAfterSomeSecondsAlthoughItsReaderTakesNothing) {
    fill();
    EXPECT_LE(time_of([&] { writer_.set_state(GST_STATE_NULL); }), patience);
    EXPECT_GE(counter(writer_["sink"], "published"), 3U);
}

TEST_F(UnlockUnderBackpressure, Source_ReleasesTheWriterWhenItStops) {
    fill();
    end(writer_["in"]);
    ASSERT_TRUE(everything_waits());
    reader_.set_state(GST_STATE_NULL);
    EXPECT_TRUE(writer_.ends());
    EXPECT_EQ(counter(writer_["sink"], "published"), 20U);
}

/// An element that waits for a buffer of the sink's pool, because a reader was paused and holds them all.
class UnlockThePool : public Unlock {
  protected:
    void SetUp() override {
        writer_.play();
        reader_.play();
        ASSERT_TRUE(wait_until([&] { return counter(reader_["src"], "frames") >= 10; }));
        reader_.set_state(GST_STATE_PAUSED);
        ASSERT_TRUE(everything_waits());
        ASSERT_GT(counter(writer_["sink"], "zero-copied"), 0U);
    }

    Pipeline writer_{
        "videotestsrc ! video/x-raw,format=I420,width=64,height=48 ! "
        "videoconvert ! video/x-raw,format=RGB ! ndshsink name=sink backpressure=true sync=false tag=" +
        tag_};
    Pipeline reader_{"ndshsrc name=src mode=every tag=" + tag_ + " ! fakesink sync=false"};
};

TEST_F(UnlockThePool, Writer_HeldByAPausedReader_GoesToReady) {
    EXPECT_LE(time_of([&] { writer_.set_state(GST_STATE_READY); }), unlock_bound);
}

TEST_F(UnlockThePool, Writer_HeldByAPausedReader_Flushes) {
    EXPECT_LE(
        time_of([&] {
            EXPECT_TRUE(gst_element_seek_simple(writer_.get(), GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0));
        }),
        unlock_bound);
}

}  // namespace
}  // namespace ndsharray::test
