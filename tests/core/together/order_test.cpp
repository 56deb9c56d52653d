// SPDX-License-Identifier: BSD-3-Clause
// Any order of start, stop, crash and restart of writers and readers, each a process of its own.
#include "core_test.hpp"
#include "remote.hpp"

#include <support/background_call.hpp>

#include <atomic>
#include <optional>
#include <thread>

namespace ndsharray::test {
namespace {

class Order : public CoreTest {
  protected:
    /// Frames from now on until one has this number, or something else than a frame comes.
    static RemoteFrame read_until(RemoteReader& reader, std::uint64_t number) {
        RemoteFrame frame = reader.read();
        while (frame && frame.number < number)
            frame = reader.read();
        return frame;
    }

    /// Lets the next writer clear away what a killed one left.
    void clear_away() const { Writer next(tag_); }
};

TEST_F(Order, Reader_AttachesToWriterThatStartsLater) {
    RemoteReader reader(tag_);
    EXPECT_EQ(reader.read(0ms).status, ReadStatus::Timeout);
    RemoteWriter writer(tag_);
    writer.write();
    const RemoteFrame frame = reader.read();
    EXPECT_TRUE(frame);
    EXPECT_EQ(frame.number, 1U);
    EXPECT_TRUE(frame.first_of_writer);
    writer.close();
}

TEST_F(Order, Reader_WaitingHasTheFirstFrameOfALaterWriterWithin100ms) {
    Reader reader(tag_);
    BackgroundCall<Frame> reading([&] { return reader.read(patience); });
    ASSERT_TRUE(reading.blocks());
    RemoteWriter writer(tag_);
    writer.write();
    const Frame frame = reading.result();
    ASSERT_TRUE(frame);
    const auto arrived = reading.returned().time_since_epoch();
    EXPECT_LE(arrived - std::chrono::nanoseconds(frame.info().published), with_tolerance(100ms));
    writer.close();
}

TEST_F(Order, Reader_AttachesToWriterThatStartedBefore) {
    RemoteWriter writer(tag_);
    writer.write(3);
    RemoteReader reader(tag_);
    const RemoteFrame frame = reader.read();
    EXPECT_TRUE(frame);
    EXPECT_EQ(frame.number, 3U);
    EXPECT_TRUE(frame.first_of_writer);
    writer.close();
}

TEST_F(Order, Reader_ReportsACleanEndOnceAndWaitsOn) {
    RemoteReader reader(tag_);
    RemoteWriter writer(tag_);
    writer.write();
    ASSERT_TRUE(reader.read());
    writer.close();
    EXPECT_EQ(reader.read().status, ReadStatus::Disconnected);
    EXPECT_EQ(reader.read(0ms).status, ReadStatus::Timeout);
    EXPECT_EQ(reader.read(50ms).status, ReadStatus::Timeout);
}

TEST_F(Order, Reader_ReadsTheLastFrameOfAWriterThatClosed) {
    Reader reader(tag_);
    RemoteWriter writer(tag_);
    writer.write();
    ASSERT_TRUE(reader.read(in_time));
    writer.write();
    writer.close();
    EXPECT_EQ(reader.read(in_time).number(), 2U);
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Disconnected);
}

TEST_F(Order, Reader_FollowsAWriterThatRestartsCleanly) {
    RemoteReader reader(tag_);
    for (int round = 0; round < 5; ++round) {
        RemoteWriter writer(tag_);
        writer.write(2);
        const RemoteFrame frame = read_until(reader, 2);
        EXPECT_TRUE(frame) << round;
        EXPECT_EQ(frame.number, 2U) << round;
        writer.close();
        EXPECT_EQ(reader.read().status, ReadStatus::Disconnected) << round;
    }
}

TEST_F(Order, Reader_MarksTheFirstFrameOfEachWriter) {
    Reader reader(tag_);
    for (int round = 0; round < 3; ++round) {
        Writer writer(tag_);
        write_pattern(writer, spec_);
        EXPECT_TRUE(reader.read(in_time).first_of_writer()) << round;
        write_pattern(writer, spec_);
        EXPECT_FALSE(reader.read(in_time).first_of_writer()) << round;
        writer.close();
        EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Disconnected) << round;
    }
    EXPECT_EQ(reader.stats().reconnects, 2U);
}

TEST_F(Order, Reader_ReportsAKilledWriterOnceAndWaitsOn) {
    RemoteReader reader(tag_);
    RemoteWriter writer(tag_);
    writer.write();
    ASSERT_TRUE(reader.read());
    writer.kill();
    EXPECT_EQ(reader.read().status, ReadStatus::Disconnected);
    EXPECT_EQ(reader.read(0ms).status, ReadStatus::Timeout);
    EXPECT_EQ(reader.read(50ms).status, ReadStatus::Timeout);
    clear_away();
}

TEST_F(Order, Reader_NoticesAKilledWriterWhileItWaits) {
    Reader reader(tag_);
    RemoteWriter writer(tag_);
    writer.write();
    ASSERT_TRUE(reader.read(in_time));
    BackgroundCall<Frame> reading([&] { return reader.read(patience); });
    ASSERT_TRUE(reading.blocks());
    writer.kill();
    EXPECT_EQ(reading.result().status(), ReadStatus::Disconnected);
    EXPECT_FALSE(reader.attached());
    clear_away();
}

TEST_F(Order, Reader_FollowsAKilledAndRestartedWriterWithoutReopening) {
    Reader reader(tag_);
    std::uint32_t generation = 0;
    for (int round = 0; round < 5; ++round) {
        RemoteWriter writer(tag_);
        writer.write();
        const Frame frame = reader.read(in_time);
        ASSERT_TRUE(frame) << round << ": " << name(frame.status());
        EXPECT_TRUE(is_intact(frame));
        EXPECT_TRUE(frame.first_of_writer());
        EXPECT_GT(frame.generation(), generation);
        generation = frame.generation();
        writer.kill();
        EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Disconnected) << round;
    }
    EXPECT_EQ(reader.stats().reconnects, 4U);
    clear_away();
}

TEST_F(Order, Reader_FollowsAWriterKilledAndRestartedBehindItsBack) {
    Reader reader(tag_);
    std::optional<RemoteWriter> writer(tag_);
    writer->write();
    const Frame held = reader.read(in_time);
    ASSERT_TRUE(held);
    writer->kill();
    writer.emplace(tag_);
    writer->write();
    Frame frame = reader.read(in_time);
    if (frame.status() == ReadStatus::Disconnected)
        frame = reader.read(in_time);
    ASSERT_TRUE(frame) << name(frame.status());
    EXPECT_TRUE(frame.first_of_writer());
    EXPECT_GT(frame.generation(), held.generation());
    EXPECT_TRUE(is_intact(held));
    writer->close();
}

TEST_F(Order, Reader_StartedAfterACrashWaitsForTheNextWriter) {
    {
        RemoteWriter crashed(tag_);
        crashed.write();
        crashed.kill();
    }
    Reader reader(tag_);
    EXPECT_EQ(reader.read(50ms).status(), ReadStatus::Timeout);
    EXPECT_FALSE(reader.attached());
    RemoteWriter writer(tag_);
    writer.write();
    EXPECT_TRUE(reader.read(in_time));
    EXPECT_EQ(reader.stats().reconnects, 0U);
    writer.close();
}

TEST_F(Order, Reader_KeepsAFrameOfAKilledWriter) {
    Reader reader(tag_);
    RemoteWriter writer(tag_);
    writer.write();
    const Frame held = reader.read(in_time);
    ASSERT_TRUE(held);
    writer.kill();
    EXPECT_TRUE(is_intact(held));
    clear_away();
    EXPECT_TRUE(is_intact(held));
}

TEST_F(Order, Reader_ReadsNoFrameThatAKilledWriterWasFilling) {
    Reader reader(tag_);
    RemoteWriter writer(tag_);
    writer.write();
    ASSERT_EQ(reader.read(in_time).number(), 1U);
    writer.start_frame();
    writer.kill();
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Disconnected);
    clear_away();
}

TEST_F(Order, Reader_NeverFailsWhileWritersComeAndGo) {
    std::atomic<bool> done = false;
    const std::jthread writing([&](const std::stop_token& stop) {
        const auto enough = std::chrono::steady_clock::now() + 1500ms;
        for (int i = 0; i < 2000 && !stop.stop_requested() && std::chrono::steady_clock::now() < enough;
             ++i) {
            Writer writer(tag_);
            write_pattern(writer, spec_);
        }
        done = true;
    });
    while (!done) {
        Reader reader(tag_);
        const Frame frame = reader.read(20ms);
        ASSERT_NE(frame.status(), ReadStatus::Failed) << reader.error().what();
    }
}

TEST_F(Order, Writer_TakesTheTagOfAWriterThatClosed) {
    Writer first(tag_);
    first.close();
    Writer second(tag_);
    EXPECT_EQ(write_pattern(second, spec_), 1U);
}

}  // namespace
}  // namespace ndsharray::test
