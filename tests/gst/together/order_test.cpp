// SPDX-License-Identifier: BSD-3-Clause
// Any order of start, stop, crash and restart of pipelines, each a process of its own.
#include "gst_test.hpp"

#include <signal.h>

#include <fstream>

#include "remote_pipeline.hpp"

namespace ndsharray::test {
namespace {

using Kind = RemoteSample::Kind;

class Order : public GstTest {
  protected:
    /// A live test picture, until somebody stops it.
    std::string live_picture(const std::string& properties = "") const {
        return "videotestsrc is-live=true ! video/x-raw,format=RGB,width=64,height=48,framerate=50/1 ! "
               "ndshsink name=sink sync=false tag=" +
               tag_ + " " + properties;
    }

    /// The next writer clears away what a killed one left.
    void clear_away() const {
        Pipeline next(writing());
        next.play();
    }

    bool tag_exists() const {
        return wait_until([&] { return std::filesystem::exists(directory_.path() / ("ndsh." + tag_)); });
    }
};

TEST_F(Order, ReaderFirst) {
    RemotePipeline reader(reading());
    RemotePipeline writer(writing("wait-for-reader=true"));
    writer.push_random(caps_, 1);
    const RemoteSample sample = reader.pull();
    ASSERT_TRUE(sample);
    EXPECT_EQ(sample.offset, 1U);
    writer.stop();
    reader.stop();
}

TEST_F(Order, WriterFirst) {
    RemotePipeline writer(writing());
    writer.push_random(caps_, 1);
    RemotePipeline reader(reading());
    EXPECT_EQ(reader.pull().offset, 1U);
    writer.stop();
    reader.stop();
}

TEST_F(Order, PixelsAreTheSameInTheOtherProcess) {
    RemotePipeline writer(writing("wait-for-reader=true"));
    RemotePipeline reader(reading());
    writer.push_random(caps_, 7);
    Pipeline here(reading());
    here.play();
    const Sample own = pull(here["out"]);
    ASSERT_TRUE(own.is_random_frame(caps_));
    EXPECT_EQ(reader.pull().checksum, own.checksum());
    writer.stop();
    reader.stop();
}

TEST_F(Order, ReaderFollowsAWriterThatRestarts) {
    RemotePipeline reader(reading());
    for (unsigned round = 0; round < 5; ++round) {
        RemotePipeline writer(writing("wait-for-reader=true"));
        writer.push_random(caps_, round);
        const RemoteSample sample = reader.pull();
        ASSERT_TRUE(sample) << round;
        EXPECT_EQ(sample.offset, round);
        EXPECT_TRUE(sample.is_discont);
        writer.stop();
    }
    EXPECT_EQ(reader.counter("src", "reconnects"), 4U);
    reader.stop();
}

TEST_F(Order, ReaderFollowsAWriterThatWasKilled) {
    RemotePipeline reader(reading());
    for (unsigned round = 0; round < 5; ++round) {
        RemotePipeline writer(writing("wait-for-reader=true"));
        writer.push_random(caps_, round);
        const RemoteSample sample = reader.pull();
        ASSERT_TRUE(sample) << round;
        EXPECT_EQ(sample.offset, round);
        writer.kill();
    }
    reader.stop();
    clear_away();
}

TEST_F(Order, ReaderFollowsAWriterThatIsKilledInFullFlight) {
    RemotePipeline reader(reading());
    for (int round = 0; round < 3; ++round) {
        RemotePipeline writer(live_picture());
        for (int i = 0; i < 5; ++i)
            ASSERT_TRUE(reader.pull()) << round;
        writer.kill();
    }
    RemotePipeline last(live_picture());
    const auto reconnects = [&] { return reader.counter("src", "reconnects"); };
    while (reconnects() < 3)
        ASSERT_TRUE(reader.pull());
    reader.stop();
    last.stop();
}

TEST_F(Order, ReaderFollowsAWriterThatRestartsWithOtherCaps) {
    const std::string other = caps_text("I420", 33, 17);
    RemotePipeline reader(reading());
    for (const std::string& caps : {caps_, other, caps_}) {
        RemotePipeline writer(writing("wait-for-reader=true"));
        writer.push_random(caps, 1);
        const RemoteSample sample = reader.pull();
        ASSERT_TRUE(sample);
        const Held<GstCaps> read(gst_caps_from_string(sample.text.c_str()));
        const Held<GstCaps> written(gst_caps_from_string(caps.c_str()));
        EXPECT_TRUE(gst_caps_is_subset(read.get(), written.get())) << sample.text;
        writer.kill();
    }
    reader.stop();
    clear_away();
}

TEST_F(Order, WriterGoesOnWhenAReaderIsKilled) {
    Pipeline writer(live_picture("backpressure=true"));
    writer.play();
    RemotePipeline survivor(reading("mode=every"));
    for (int round = 0; round < 3; ++round) {
        RemotePipeline victim(reading("mode=every max-leases=4"));
        ASSERT_TRUE(victim.pull());
        ASSERT_TRUE(has_readers(writer["sink"], 2));
        victim.kill();
        ASSERT_TRUE(has_readers(writer["sink"], 1));
        for (int i = 0; i < 20; ++i)
            ASSERT_TRUE(survivor.pull()) << round;
    }
    survivor.stop();
}

TEST_F(Order, EndOfStreamReachesTheReader) {
    RemotePipeline writer(writing("wait-for-reader=true"));
    RemotePipeline reader(reading());
    writer.push_random(caps_, 1);
    ASSERT_TRUE(reader.pull());
    writer.end();
    EXPECT_EQ(reader.pull().kind, Kind::Eos);
    writer.stop();
    reader.stop();
}

TEST_F(Order, EndOfStreamIsWaitedOutWithOnEosWait) {
    RemotePipeline reader(reading("on-eos=wait"));
    for (unsigned round = 0; round < 3; ++round) {
        RemotePipeline writer(writing("wait-for-reader=true"));
        writer.push_random(caps_, round);
        EXPECT_EQ(reader.pull().offset, round);
        writer.end();
        writer.stop();
    }
    EXPECT_EQ(reader.pull(50ms).kind, Kind::Timeout);
    reader.stop();
}

class OnDisconnect : public Order {
  protected:
    /// What the reader tells after its writer left, or was killed.
    RemoteSample after_the_writer(const std::string& properties, bool killed) const {
        RemotePipeline reader(reading(properties));
        RemotePipeline writer(writing("wait-for-reader=true"));
        writer.push_random(caps_, 1);
        EXPECT_TRUE(reader.pull());
        if (killed)
            writer.kill();
        else
            writer.stop();
        RemoteSample result = reader.pull(result_in_);
        reader.stop();
        if (killed)
            clear_away();
        return result;
    }

    std::chrono::milliseconds result_in_ = patience;
};

TEST_F(OnDisconnect, WaitGoesOnWaiting) {
    result_in_ = 100ms;
    EXPECT_EQ(after_the_writer("", false).kind, Kind::Timeout);
    EXPECT_EQ(after_the_writer("", true).kind, Kind::Timeout);
}

TEST_F(OnDisconnect, EosEndsTheStream) {
    EXPECT_EQ(after_the_writer("on-disconnect=eos", false).kind, Kind::Eos);
    EXPECT_EQ(after_the_writer("on-disconnect=eos", true).kind, Kind::Eos);
}

TEST_F(OnDisconnect, ErrorNamesTheTag) {
    for (const bool killed : {false, true}) {
        const RemoteSample sample = after_the_writer("on-disconnect=error", killed);
        EXPECT_EQ(sample.kind, Kind::Error);
        EXPECT_TRUE(contains(sample.text, tag_)) << sample.text;
    }
}

TEST_F(OnDisconnect, TimeoutWithoutAWriterCounts) {
    Pipeline eos(reading("timeout=50000000 on-disconnect=eos"));
    eos.play();
    EXPECT_TRUE(eos.ends());
    Pipeline error(reading("timeout=50000000 on-disconnect=error"));
    error.play();
    EXPECT_TRUE(error.error().is(GST_RESOURCE_ERROR_READ));
}

TEST_F(OnDisconnect, TimeoutWithoutAFrameCounts) {
    Pipeline writer(writing());
    writer.play();
    Pipeline reader(reading("timeout=50000000 on-disconnect=eos"));
    reader.play();
    EXPECT_TRUE(reader.ends());
}

TEST_F(OnDisconnect, TimeoutIsNotReachedWhileFramesCome) {
    Pipeline writer(live_picture());  // a frame in 20 ms
    writer.play();
    Pipeline reader("ndshsrc name=src timeout=2000000000 on-disconnect=error tag=cam0 ! fakesink sync=false");
    reader.play();
    EXPECT_TRUE(wait_until([&] { return counter(reader["src"], "frames") > 50; }));
    EXPECT_EQ(reader.message(GST_MESSAGE_EOS | GST_MESSAGE_ERROR, 0s), nullptr);
}

TEST_F(OnDisconnect, TimeoutThatIsSetWhileWaitingCounts) {
    Pipeline reader(reading("timeout=300000000 on-disconnect=wait"));
    reader.play();
    g_object_set(reader["src"], "on-disconnect", 1, nullptr);
    EXPECT_TRUE(reader.ends());
}

class CtrlC : public Order {
  protected:
    /// Whether a process has a handler for SIGINT by now.
    static bool catches_interrupt(pid_t pid) {
        std::ifstream status("/proc/" + std::to_string(pid) + "/status");
        const std::string label = "SigCgt:\t";
        for (std::string line; std::getline(status, line);)
            if (line.starts_with(label))
                return (std::stoull(line.substr(label.size()), nullptr, 16) >> (SIGINT - 1) & 1) != 0;
        return false;
    }

    /// Interrupts it as the terminal does. \returns its exit code.
    static int interrupt(ChildProcess& program) {
        EXPECT_TRUE(wait_until([&] { return catches_interrupt(program.pid()); }));
        ::kill(program.pid(), SIGINT);
        return program.wait_for_exit();
    }
};

TEST_F(CtrlC, WriterLeavesNoFile) {
    ChildProcess writer = gst_launch(live_picture());
    Pipeline reader(reading());
    reader.play();
    ASSERT_TRUE(pull(reader["out"]));
    EXPECT_GE(interrupt(writer), 0);
    EXPECT_EQ(directory_.entries().size(), 0U);
}

TEST_F(CtrlC, WriterThatWaitsForAReaderLeavesNoFile) {
    ChildProcess writer = gst_launch(live_picture("wait-for-reader=true"));
    ASSERT_TRUE(tag_exists());
    EXPECT_GE(interrupt(writer), 0);
    EXPECT_EQ(directory_.entries().size(), 0U);
}

TEST_F(CtrlC, WriterHeldByBackpressureLeavesNoFile) {
    ChildProcess writer = gst_launch(live_picture("backpressure=true"));
    Pipeline reader(reading("mode=every"));
    reader.play();
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(pull(reader["out"]));
    EXPECT_GE(interrupt(writer), 0);
    EXPECT_EQ(directory_.entries().size(), 0U);
}

TEST_F(CtrlC, ReaderLeavesItsWriterWithoutReaders) {
    Pipeline writer(live_picture());
    writer.play();
    ChildProcess reader = gst_launch("ndshsrc tag=" + tag_ + " ! fakesink sync=false");
    ASSERT_TRUE(has_readers(writer["sink"], 1));
    EXPECT_GE(interrupt(reader), 0);
    EXPECT_TRUE(has_readers(writer["sink"], 0));
}

TEST_F(CtrlC, ReaderThatWaitsForAWriterEnds) {
    ChildProcess reader = gst_launch("ndshsrc name=src tag=" + tag_ + " ! fakesink sync=false");
    {
        // It is there once it has attached to a first writer; then it waits for another.
        Pipeline writer(live_picture());
        writer.play();
        ASSERT_TRUE(has_readers(writer["sink"], 1));
    }
    EXPECT_GE(interrupt(reader), 0);
}

TEST_F(CtrlC, TakesBothAtOnce) {
    ChildProcess writer = gst_launch(live_picture("backpressure=true"));
    ChildProcess reader = gst_launch("ndshsrc mode=every tag=" + tag_ + " ! fakesink sync=false");
    Pipeline witness(reading());
    witness.play();
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(pull(witness["out"]));
    ASSERT_TRUE(
        wait_until([&] { return catches_interrupt(reader.pid()) && catches_interrupt(writer.pid()); }));
    ::kill(reader.pid(), SIGINT);
    ::kill(writer.pid(), SIGINT);
    EXPECT_GE(reader.wait_for_exit(), 0);
    EXPECT_GE(writer.wait_for_exit(), 0);
    EXPECT_EQ(directory_.entries().size(), 0U);
}

}  // namespace
}  // namespace ndsharray::test
