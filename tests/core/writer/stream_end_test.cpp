// SPDX-License-Identifier: BSD-3-Clause
// The end of a stream: when it is told, what comes after it, and draining before it.
#include "core_test.hpp"
#include "remote.hpp"

#include <support/background_call.hpp>

namespace ndsharray::test {
namespace {

class StreamEnd : public CoreTest, public ::testing::WithParamInterface<ReadMode> {
  protected:
    Writer writer_{tag_};
    Reader reader_{tag_, reading(GetParam())};
};

INSTANTIATE_TEST_SUITE_P(Mode, StreamEnd, ::testing::Values(ReadMode::Latest, ReadMode::Every),
                         [](const auto& info) {
                             return info.param == ReadMode::Latest ? "Latest" : "Every";
                         });

TEST_P(StreamEnd, ComesOnceAfterTheLastFrame) {
    ASSERT_TRUE(attach(reader_));
    write_pattern(writer_, spec_);
    writer_.end_of_stream();
    EXPECT_EQ(reader_.read(in_time).number(), 1U);
    EXPECT_EQ(reader_.read(in_time).status(), ReadStatus::EndOfStream);
    EXPECT_EQ(reader_.read(0ns).status(), ReadStatus::Timeout);
    EXPECT_EQ(reader_.read(50ms).status(), ReadStatus::Timeout);
}

TEST_P(StreamEnd, WakesAReaderThatWaits) {
    write_pattern(writer_, spec_);
    ASSERT_EQ(reader_.read(in_time).number(), 1U);
    BackgroundCall<Frame> reading([&] { return reader_.read(patience); });
    ASSERT_TRUE(reading.blocks());
    writer_.end_of_stream();
    EXPECT_EQ(reading.result().status(), ReadStatus::EndOfStream);
}

TEST_P(StreamEnd, IsFollowedByTheNextStream) {
    for (std::uint64_t stream = 1; stream <= 3; ++stream) {
        write_pattern(writer_, spec_);
        EXPECT_EQ(reader_.read(in_time).number(), stream);
        writer_.end_of_stream();
        EXPECT_EQ(reader_.read(in_time).status(), ReadStatus::EndOfStream);
    }
}

TEST_P(StreamEnd, IsFollowedByDisconnectedWhenTheWriterCloses) {
    write_pattern(writer_, spec_);
    ASSERT_EQ(reader_.read(in_time).number(), 1U);
    writer_.end_of_stream();
    writer_.close();
    EXPECT_EQ(reader_.read(in_time).status(), ReadStatus::EndOfStream);
    EXPECT_EQ(reader_.read(in_time).status(), ReadStatus::Disconnected);
    EXPECT_EQ(reader_.read(0ns).status(), ReadStatus::Timeout);
}

TEST_P(StreamEnd, StaysAttachedToTheWriter) {
    write_pattern(writer_, spec_);
    ASSERT_EQ(reader_.read(in_time).number(), 1U);
    writer_.end_of_stream();
    ASSERT_EQ(reader_.read(in_time).status(), ReadStatus::EndOfStream);
    EXPECT_TRUE(reader_.attached());
}

TEST_P(StreamEnd, IsToldAgainByAWriterThatRestarted) {
    Reader reader("other", reading(GetParam()));
    for (int round = 0; round < 2; ++round) {
        RemoteWriter writer("other");
        writer.write();
        EXPECT_EQ(reader.read(in_time).number(), 1U);
        writer.end_of_stream();
        EXPECT_EQ(reader.read(in_time).status(), ReadStatus::EndOfStream);
        writer.close();
        EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Disconnected);
    }
}

class Drain : public CoreTest {
  protected:
    Writer writer_{tag_, {.backpressure = true}};
    Reader reader_{tag_, in_order()};
};

TEST_F(Drain, IsDoneAtOnceWithoutReaders) {
    write_pattern(writer_, spec_);
    EXPECT_EQ(writer_.drain(in_time), WriteStatus::Ok);
}

TEST_F(Drain, IsDoneAtOnceWithoutFrames) {
    ASSERT_TRUE(attach(reader_));
    EXPECT_EQ(writer_.drain(in_time), WriteStatus::Ok);
}

TEST_F(Drain, WaitsForTheLastFrameToBeTaken) {
    ASSERT_TRUE(attach(reader_));
    write_pattern(writer_, spec_);
    write_pattern(writer_, spec_);
    EXPECT_EQ(writer_.drain(20ms), WriteStatus::Timeout);
    ASSERT_EQ(reader_.read(in_time).number(), 1U);
    EXPECT_EQ(writer_.drain(20ms), WriteStatus::Timeout);
    ASSERT_EQ(reader_.read(in_time).number(), 2U);
    EXPECT_EQ(writer_.drain(in_time), WriteStatus::Ok);
}

TEST_F(Drain, IsDoneWhenTheFrameIsTakenThoughStillHeld) {
    ASSERT_TRUE(attach(reader_));
    write_pattern(writer_, spec_);
    const Frame held = reader_.read(in_time);
    EXPECT_EQ(writer_.drain(in_time), WriteStatus::Ok);
}

TEST_F(Drain, DoesNotWaitForLatestReaders) {
    Reader latest(tag_);
    ASSERT_TRUE(attach(latest));
    write_pattern(writer_, spec_);
    EXPECT_EQ(writer_.drain(in_time), WriteStatus::Ok);
}

TEST_F(Drain, WakesWhenTheReaderTakesTheLastFrame) {
    ASSERT_TRUE(attach(reader_));
    write_pattern(writer_, spec_);
    BackgroundCall<WriteStatus> draining([&] { return writer_.drain(patience); });
    ASSERT_TRUE(draining.blocks());
    ASSERT_TRUE(reader_.read(in_time));
    EXPECT_EQ(draining.result(), WriteStatus::Ok);
}

TEST_F(Drain, IsEndedByTheReadersDeath) {
    RemoteReader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader, writer_));
    write_pattern(writer_, spec_);
    BackgroundCall<WriteStatus> draining([&] { return writer_.drain(patience); });
    ASSERT_TRUE(draining.blocks());
    reader.kill();
    EXPECT_EQ(draining.result(), WriteStatus::Ok);
}

TEST_F(Drain, IsEndedByTheReadersSuspension) {
    ASSERT_TRUE(attach(reader_));
    write_pattern(writer_, spec_);
    BackgroundCall<WriteStatus> draining([&] { return writer_.drain(patience); });
    ASSERT_TRUE(draining.blocks());
    reader_.suspend(true);
    EXPECT_EQ(draining.result(), WriteStatus::Ok);
}

TEST_F(Drain, ThenCloseLosesNothing) {
    RemoteReader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader, writer_));
    write_pattern(writer_, spec_);
    write_pattern(writer_, spec_);
    BackgroundCall<WriteStatus> ending([&] {
        const WriteStatus drained = writer_.drain(patience);
        writer_.end_of_stream();
        writer_.close();
        return drained;
    });
    EXPECT_EQ(reader.read().number, 1U);
    EXPECT_EQ(reader.read().number, 2U);
    EXPECT_EQ(reader.read().status, ReadStatus::EndOfStream);
    EXPECT_EQ(reader.read().status, ReadStatus::Disconnected);
    EXPECT_EQ(ending.result(), WriteStatus::Ok);
}

}  // namespace
}  // namespace ndsharray::test
