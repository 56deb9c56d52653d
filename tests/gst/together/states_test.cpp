// SPDX-License-Identifier: BSD-3-Clause
// Both elements go up and down any number of times and leave nothing; tags change, tags do not mix.
#include "gst_test.hpp"
#include "resources.hpp"

#include <algorithm>

namespace ndsharray::test {
namespace {

class States : public GstTest {
  protected:
    static constexpr int many = 100;

    /// Threads that GStreamer and GLib keep once they have them are no leak: so everything is done once
    /// before the counting begins.
    template <class Round>
    static void expect_nothing_left_by(Round&& round) {
        for (int i = 0; i < 3; ++i)
            round(i);
        const Resources before;
        for (int i = 0; i < many; ++i) {
            round(i);
            if (HasFatalFailure())
                return;
        }
        EXPECT_TRUE(back_to(before)) << Resources() << " now; before: " << before;
    }

    std::string test_picture(const std::string& sink) const {
        return "videotestsrc is-live=true ! video/x-raw,width=32,height=24,framerate=100/1 ! ndshsink "
               "name=sink tag=" +
               tag_ + " " + sink;
    }
};

TEST_F(States, Sink_GoesFromNullToPlayingAHundredTimes) {
    Pipeline writer("videotestsrc ! video/x-raw,width=32,height=24 ! ndshsink name=sink sync=false tag=cam0");
    expect_nothing_left_by([&](int) {
        ASSERT_TRUE(writer.reaches(GST_STATE_PLAYING));
        ASSERT_TRUE(wait_until([&] { return counter(writer["sink"], "published") > 0; }));
        ASSERT_TRUE(writer.reaches(GST_STATE_NULL));
        ASSERT_EQ(directory_.entries().size(), 0U);
    });
}

TEST_F(States, Sink_GoesFromNullToPlayingAHundredTimesWithoutAFrame) {
    Pipeline writer(writing("async=false"));
    expect_nothing_left_by([&](int) {
        ASSERT_TRUE(writer.reaches(GST_STATE_PLAYING));
        ASSERT_TRUE(writer.reaches(GST_STATE_NULL));
    });
}

TEST_F(States, Source_GoesFromNullToPlayingAHundredTimesWithoutAWriter) {
    Pipeline reader(reading());
    expect_nothing_left_by([&](int) {
        ASSERT_TRUE(reader.reaches(GST_STATE_PLAYING));
        ASSERT_TRUE(reader.reaches(GST_STATE_NULL));
    });
}

TEST_F(States, Source_GoesFromNullToPlayingAHundredTimesBesideAWriter) {
    Pipeline writer(test_picture("sync=false"));
    writer.play();
    Pipeline reader("ndshsrc tag=cam0 ! fakesink name=out sync=false async=false");
    expect_nothing_left_by([&](int round) {
        ASSERT_TRUE(reader.reaches(GST_STATE_PLAYING));
        ASSERT_TRUE(round % 2 || wait_until([&] { return counter(reader["out"], "rendered") > 0; }));
        ASSERT_TRUE(reader.reaches(GST_STATE_NULL));
        ASSERT_TRUE(has_readers(writer["sink"], 0));
    });
}

TEST_F(States, Sink_GoesFromPlayingToPausedAHundredTimes) {
    Pipeline writer("videotestsrc ! video/x-raw,width=32,height=24 ! ndshsink name=sink sync=false tag=cam0");
    ASSERT_TRUE(writer.reaches(GST_STATE_PLAYING));
    expect_nothing_left_by([&](int) {
        ASSERT_TRUE(writer.reaches(GST_STATE_PAUSED));
        const auto published = counter(writer["sink"], "published");
        ASSERT_TRUE(writer.reaches(GST_STATE_PLAYING));
        ASSERT_TRUE(wait_until([&] { return counter(writer["sink"], "published") > published; }));
    });
}

TEST_F(States, Source_GoesFromPlayingToPausedAHundredTimes) {
    Pipeline writer(test_picture("sync=false"));
    writer.play();
    Pipeline reader(reading());
    ASSERT_TRUE(reader.reaches(GST_STATE_PLAYING));
    expect_nothing_left_by([&](int) {
        ASSERT_TRUE(reader.reaches(GST_STATE_PAUSED));
        ASSERT_TRUE(reader.reaches(GST_STATE_PLAYING));
        ASSERT_TRUE(pull(reader["out"]));
    });
}

TEST_F(States, Source_TakesNoFrameWhilePaused) {
    Pipeline writer(writing());
    Pipeline reader("ndshsrc name=src tag=cam0 ! fakesink sync=false async=false");
    writer.play();
    ASSERT_TRUE(reader.reaches(GST_STATE_PLAYING));
    ASSERT_TRUE(has_readers(writer["sink"]));
    ASSERT_TRUE(push_random(writer["in"], caps_, 1));
    ASSERT_TRUE(wait_until([&] { return counter(reader["src"], "frames") == 1; }));
    ASSERT_TRUE(reader.reaches(GST_STATE_PAUSED));
    ASSERT_TRUE(push_random(writer["in"], caps_, 2, 5));
    ASSERT_TRUE(wait_until([&] { return counter(writer["sink"], "published") == 6; }));
    EXPECT_EQ(counter(reader["src"], "frames"), 1U);
    ASSERT_TRUE(reader.reaches(GST_STATE_PLAYING));
    // Captured long after the pause, however long it took.
    ASSERT_TRUE(push_random(writer["in"], caps_, 500));
    EXPECT_TRUE(wait_until([&] { return counter(reader["src"], "frames") == 2; }));
}

/// The offsets of the frames that come until the end of the stream.
std::vector<std::uint64_t> offsets_to_the_end(GstElement* appsink) {
    std::vector<std::uint64_t> offsets;
    while (const Sample sample = pull(appsink))
        offsets.push_back(sample.offset());
    EXPECT_TRUE(is_at_end(appsink));
    return offsets;
}

std::vector<std::uint64_t> numbers_from(std::uint64_t first, std::uint64_t count) {
    std::vector<std::uint64_t> result;
    for (std::uint64_t i = first; i < first + count; ++i)
        result.push_back(i);
    return result;
}

TEST_F(States, PauseAndResumeLoseNoFrameUnderBackpressure) {
    Pipeline writer(writing("backpressure=true wait-for-reader=true slots=4"));
    Pipeline reader("ndshsrc tag=cam0 mode=every ! appsink name=out sync=false async=false");
    reader.play();
    ASSERT_TRUE(push_random(writer["in"], caps_, 0, 600));
    end(writer["in"]);
    // Each state is waited for: a pipeline that is told of the next one just when its sink has the first
    // frame may stay in PAUSED for ever, in GStreamer 1.22 also one of videotestsrc and fakesink.
    ASSERT_TRUE(writer.reaches(GST_STATE_PLAYING));
    for (int i = 0; i < 40; ++i) {
        Pipeline& paused = i % 2 ? reader : writer;
        ASSERT_TRUE(paused.reaches(GST_STATE_PAUSED));
        ASSERT_TRUE(paused.reaches(GST_STATE_PLAYING));
    }
    EXPECT_EQ(offsets_to_the_end(reader["out"]), numbers_from(0, 600));
}

TEST_F(States, ReaderThatIsPausedHoldsUpBackpressureUntilItResumes) {
    Pipeline writer(writing("backpressure=true wait-for-reader=true slots=4"));
    Pipeline reader("ndshsrc tag=cam0 mode=every ! appsink name=out sync=false async=false");
    writer.play();
    reader.play();
    ASSERT_TRUE(push_random(writer["in"], caps_, 0));
    ASSERT_TRUE(pull(reader["out"]));
    ASSERT_TRUE(reader.set_state(GST_STATE_PAUSED));
    ASSERT_TRUE(push_random(writer["in"], caps_, 1, 20));
    end(writer["in"]);
    EXPECT_TRUE(wait_until([&] { return counter(writer["sink"], "published") >= 3; }));
    EXPECT_EQ(writer.message(GST_MESSAGE_EOS, 50ms), nullptr);
    ASSERT_TRUE(reader.set_state(GST_STATE_PLAYING));
    EXPECT_EQ(offsets_to_the_end(reader["out"]), numbers_from(1, 20));
    EXPECT_TRUE(writer.ends());
}

/// Often: once in a thousand times the streaming thread of the sink was the first to find that it plays, and
/// waited for the source of a pipeline that waited for it.
TEST_F(States, SinkAndSourceInOnePipelineAHundredTimes) {
    for (int round = 0; round < 100; ++round) {
        Pipeline both(
            "videotestsrc num-buffers=20 ! video/x-raw,width=32,height=24 ! "
            "ndshsink name=sink tag=cam0 sync=false backpressure=true wait-for-reader=true "
            "ndshsrc name=src tag=cam0 mode=every ! fakesink sync=false");
        both.play();
        ASSERT_TRUE(both.ends());
        ASSERT_EQ(counter(both["sink"], "published"), 20U);
        ASSERT_EQ(counter(both["src"], "frames"), 20U);
    }
}

TEST_F(States, SinkWithoutTheReaderThatItWaitsForPlaysAndEndsAHundredTimes) {
    for (int round = 0; round < 100; ++round) {
        Pipeline writer(
            "videotestsrc ! video/x-raw,width=32,height=24 ! "
            "ndshsink tag=cam0 sync=false backpressure=true wait-for-reader=true");
        writer.play();
        writer.set_state(GST_STATE_PAUSED);
        writer.play();
    }
}

TEST_F(States, PictureGoesThroughTwoTagsOneAfterTheOther) {
    Pipeline writer(writing("wait-for-reader=true backpressure=true"));
    Pipeline relay(
        "ndshsrc tag=cam0 mode=every ! ndshsink tag=cam1 sync=false wait-for-reader=true backpressure=true");
    Pipeline reader("ndshsrc tag=cam1 mode=every ! appsink name=out sync=false async=false");
    reader.play();
    relay.play();
    writer.play();
    ASSERT_TRUE(push_random(writer["in"], caps_, 0, 10));
    end(writer["in"]);
    for (unsigned i = 0; i < 10; ++i) {
        const Sample sample = pull(reader["out"]);
        ASSERT_TRUE(sample);
        EXPECT_EQ(sample.offset(), i);
        EXPECT_TRUE(sample.is_random_frame(caps_));
    }
    EXPECT_TRUE(relay.ends());
}

TEST_F(States, TwoTagsAtOnceDoNotMix) {
    const std::string other_caps = caps_text("GRAY8", 31, 17);
    Pipeline first(writing("wait-for-reader=true"));
    Pipeline second("appsrc name=in format=time ! ndshsink sync=false wait-for-reader=true tag=cam1");
    Pipeline first_reader(reading("mode=every"));
    Pipeline second_reader("ndshsrc tag=cam1 mode=every ! appsink name=out sync=false async=false");
    for (Pipeline* pipeline : {&first, &second, &first_reader, &second_reader})
        pipeline->play();
    for (unsigned i = 0; i < 20; ++i) {
        ASSERT_TRUE(push_random(first["in"], caps_, 2 * i));
        ASSERT_TRUE(push_random(second["in"], other_caps, 2 * i + 1));
        const Sample a = pull(first_reader["out"]), b = pull(second_reader["out"]);
        EXPECT_TRUE(a && a.offset() == 2 * i && a.is_random_frame(caps_));
        EXPECT_TRUE(b && b.offset() == 2 * i + 1 && b.is_random_frame(other_caps));
    }
}

class TagChange : public States {
  protected:
    static std::string writing_under(const std::string& tag) {
        return "appsrc name=in format=time ! ndshsink name=sink sync=false tag=" + tag;
    }
};

TEST_F(TagChange, SourceMovesOverWithNewCapsAndDiscont) {
    const std::string other_caps = caps_text("GRAY8", 31, 17);
    Pipeline first(writing_under("cam0")), second(writing_under("cam1"));
    Pipeline reader(reading("mode=every"));
    for (Pipeline* pipeline : {&first, &second, &reader})
        pipeline->play();
    ASSERT_TRUE(has_readers(first["sink"]));
    ASSERT_TRUE(push_random(first["in"], caps_, 1));
    EXPECT_TRUE(pull(reader["out"]).is_random_frame(caps_));

    g_object_set(reader["src"], "tag", "cam1", nullptr);
    ASSERT_TRUE(has_readers(second["sink"]));
    ASSERT_TRUE(push_random(second["in"], other_caps, 2));
    const Sample sample = pull(reader["out"]);
    ASSERT_TRUE(sample);
    EXPECT_TRUE(sample.is_random_frame(other_caps));
    EXPECT_TRUE(sample.is_discont());
    EXPECT_TRUE(has_readers(first["sink"], 0));
}

TEST_F(TagChange, SourceThatWaitsForAWriterMovesOver) {
    Pipeline writer(writing_under("cam1"));
    Pipeline reader(reading());
    writer.play();
    ASSERT_TRUE(reader.reaches(GST_STATE_PLAYING));
    g_object_set(reader["src"], "tag", "cam1", nullptr);
    ASSERT_TRUE(has_readers(writer["sink"]));
    ASSERT_TRUE(push_random(writer["in"], caps_, 1));
    EXPECT_TRUE(pull(reader["out"]));
}

TEST_F(TagChange, SourceReleasesAWriterWithBackpressure) {
    Pipeline writer(writing_under("cam0 backpressure=true wait-for-reader=true slots=3"));
    Pipeline reader(reading("mode=every"));
    writer.play();
    reader.play();
    ASSERT_TRUE(push_random(writer["in"], caps_, 0, 30));
    end(writer["in"]);
    ASSERT_TRUE(wait_until([&] { return counter(writer["sink"], "published") >= 3; }));
    g_object_set(reader["src"], "tag", "cam1", nullptr);
    while (pull(reader["out"], 100ms)) {  // what the appsink kept back
    }
    EXPECT_TRUE(writer.ends());
    EXPECT_EQ(counter(writer["sink"], "published"), 30U);
}

TEST_F(TagChange, SourceComesBack) {
    Pipeline first(writing_under("cam0")), second(writing_under("cam1"));
    Pipeline reader(reading());
    for (Pipeline* pipeline : {&first, &second, &reader})
        pipeline->play();
    for (unsigned i = 0; i < 20; ++i) {
        Pipeline& writer = i % 2 ? second : first;
        g_object_set(reader["src"], "tag", i % 2 ? "cam1" : "cam0", nullptr);
        ASSERT_TRUE(has_readers(writer["sink"])) << i;
        ASSERT_TRUE(push_random(writer["in"], caps_, i));
        // The first of a tag may be one that was there before.
        Sample sample = pull(reader["out"]);
        while (sample && sample.offset() != i)
            sample = pull(reader["out"]);
        ASSERT_TRUE(sample) << i;
    }
}

}  // namespace
}  // namespace ndsharray::test
