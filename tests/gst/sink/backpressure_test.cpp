// SPDX-License-Identifier: BSD-3-Clause
// A source of every frame that streams no more, for whatever reason, does not hold a sink with backpressure.
#include "gst_test.hpp"

#include <optional>

namespace ndsharray::test {
namespace {

class Backpressure : public GstTest {
  protected:
    static constexpr unsigned count = 20;  // far more frames than the slots and a reader take

    void begin(const std::string& downstream) {
        writer_.play();
        reader_.emplace("ndshsrc name=src mode=every tag=" + tag_ + downstream);
        reader_->play();
        ASSERT_TRUE(has_readers(writer_["sink"]));
        ASSERT_TRUE(push_random(writer_["in"], caps_, 0, count));
    }

    GstElement* source() { return (*reader_)["src"]; }

    /// To one that takes nothing: the sink waits for the source, and the source for that.
    void begin_stuck() {
        begin(" ! appsink name=out sync=false async=false max-buffers=1");
        ASSERT_TRUE(wait_until(
            [&] { return counter(source(), "frames") >= 2 && counter(writer_["sink"], "published") >= 3; }));
        ASSERT_LT(counter(writer_["sink"], "published"), count);
    }

    void expect_sink_to_end() {
        end(writer_["in"]);
        EXPECT_TRUE(writer_.ends());
        EXPECT_EQ(counter(writer_["sink"], "published"), count);
    }

    void stop_downstream() {
        ASSERT_EQ(gst_element_set_state((*reader_)["out"], GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
        ASSERT_TRUE(wait_until([&] { return counter(writer_["sink"], "published") == count; }));
        ASSERT_TRUE(gst_element_set_state((*reader_)["out"], GST_STATE_PLAYING));
    }

    /// The next frame says that some are missing, but for one that was on its way before; from there on, none
    /// is.
    void expect_to_go_on() {
        Sample next = pull((*reader_)["out"]);
        if (next && next.offset() < count / 2) {
            next = pull((*reader_)["out"]);
        }
        ASSERT_TRUE(next);
        EXPECT_TRUE(next.is_discont());
        const auto missed = counter(source(), "missed");
        EXPECT_GT(missed, 0U);
        ASSERT_TRUE(push_random(writer_["in"], caps_, count, count));
        for (std::uint64_t offset = next.offset() + 1; offset < 2 * count; ++offset) {
            const Sample sample = pull((*reader_)["out"]);
            ASSERT_TRUE(sample) << offset;
            EXPECT_EQ(sample.offset(), offset);
            EXPECT_TRUE(sample.is_random_frame(caps_));
        }
        EXPECT_EQ(counter(source(), "missed"), missed);
    }

    Pipeline writer_{writing("backpressure=true slots=3")};
    std::optional<Pipeline> reader_;
};

TEST_F(Backpressure, IsNotHeldBySourceWhoseDownstreamFails) {
    begin(" ! identity name=broken error-after=3 ! fakesink sync=false async=false");
    EXPECT_EQ(reader_->error().source, "broken");
    expect_sink_to_end();
}

TEST_F(Backpressure, IsNotHeldBySourceWhoseDownstreamEnds) {
    begin(" ! identity eos-after=3 ! fakesink sync=false async=false");
    EXPECT_TRUE(reader_->ends());
    expect_sink_to_end();
}

TEST_F(Backpressure, IsNotHeldBySourceThatIsNotLinked) {
    begin("");
    EXPECT_TRUE(reader_->error().is(GST_STREAM_ERROR_FAILED));
    expect_sink_to_end();
}

TEST_F(Backpressure, IsNotHeldBySourceWhoseDownstreamWasStopped) {
    begin_stuck();
    gst_element_set_state((*reader_)["out"], GST_STATE_READY);
    expect_sink_to_end();
}

TEST_F(Backpressure, IsNotHeldBySourceWhoseDownstreamWasFlushed) {
    begin_stuck();
    const Held<GstPad> pad(gst_element_get_static_pad((*reader_)["out"], "sink"));
    gst_pad_send_event(pad.get(), gst_event_new_flush_start());
    expect_sink_to_end();
}

TEST_F(Backpressure, HoldsAgainOnceTheSourceIsFlushed) {
    begin_stuck();
    stop_downstream();
    EXPECT_TRUE(gst_element_send_event(source(), gst_event_new_flush_start()));
    EXPECT_TRUE(gst_element_send_event(source(), gst_event_new_flush_stop(TRUE)));
    expect_to_go_on();
}

TEST_F(Backpressure, HoldsAgainOnceTheSourceIsPausedAndPlays) {
    begin_stuck();
    stop_downstream();
    EXPECT_TRUE(reader_->set_state(GST_STATE_PAUSED));
    EXPECT_TRUE(reader_->set_state(GST_STATE_PLAYING));
    expect_to_go_on();
}

}  // namespace
}  // namespace ndsharray::test
