// SPDX-License-Identifier: BSD-3-Clause
// Any order of start, stop, crash and restart of writers and readers, each a process of its own.
#include "core_test.hpp"
#include "remote.hpp"

#include <support/background_call.hpp>

#include <algorithm>
#include <cstdlib>
#include <optional>

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

TEST_F(Order, Writer_TakesOverTheTagOfAKilledWriter) {
    RemoteWriter killed(tag_);
    killed.write();
    killed.kill();
    RemoteWriter writer(tag_);
    EXPECT_NE(writer.write(), 0U);
    writer.close();
}

TEST_F(Order, Writer_TakesTheTagOfAWriterThatClosed) {
    Writer first(tag_);
    first.close();
    Writer second(tag_);
    EXPECT_EQ(write_pattern(second, spec_), 1U);
}

TEST_F(Order, Writer_KilledAtAnyMomentIsTakenOver) {
    std::srand(1);
    Reader reader(tag_);
    for (int round = 0; round < 20; ++round) {
        ChildProcess changing("change_layouts", {tag_});
        ASSERT_TRUE(changing.channel().receive());
        std::this_thread::sleep_for(std::chrono::microseconds(std::rand() % 5000));  // any moment
        changing.kill();
        Writer writer(tag_);
        const std::uint64_t bytes = 100'000 + static_cast<std::uint64_t>(round);  // as no frame before
        ASSERT_NE(write_pattern(writer, bytes_spec(bytes)), 0U) << round;
        ASSERT_TRUE(wait_until([&] {
            const Frame frame = reader.read(in_time);
            return frame && frame.spec().bytes == bytes && is_intact(frame);
        })) << round;
        writer.close();
        ASSERT_EQ(directory_.entries(), std::vector<std::string>{}) << round;
    }
}

int change_layouts(Channel& channel, const Arguments& arguments) {
    Writer writer(arguments.at(0));
    channel.send("started");
    for (std::uint64_t bytes = 1;; bytes = bytes % 50'000 + 1)
        write_pattern(writer, bytes_spec(bytes));
}
const RegisteredRole change_layouts_role("change_layouts", change_layouts);

TEST_F(Order, SecondWriter_IsRefusedNamingTagAndOtherProcess) {
    RemoteWriter first(tag_);
    const Error error = error_of([&] { Writer second(tag_); });
    EXPECT_EQ(error.code(), ErrorCode::TagInUse);
    EXPECT_TRUE(contains(error.what(), tag_)) << error.what();
    EXPECT_TRUE(contains(error.what(), std::to_string(first.pid()))) << error.what();
    first.close();
}

TEST_F(Order, SecondWriter_IsRefusedInTheSameProcess) {
    Writer first(tag_);
    EXPECT_EQ(error_of([&] { Writer second(tag_); }).code(), ErrorCode::TagInUse);
}

TEST_F(Order, SecondWriter_DoesNotDisturbTheFirst) {
    Writer first(tag_);
    Reader reader(tag_);
    write_pattern(first, spec_);
    error_of([&] { Writer second(tag_); });
    write_pattern(first, spec_);
    const Frame frame = reader.read(in_time);
    EXPECT_EQ(frame.number(), 2U);
    EXPECT_TRUE(is_intact(frame));
}

TEST_F(Order, Writer_ReclaimsTheLeasesOfKilledReaders) {
    Writer writer(tag_, {.slots = 4});
    std::vector<RemoteReader> readers;
    for (int i = 0; i < 6; ++i) {
        readers.emplace_back(tag_, with_leases(32));
        write_pattern(writer, spec_);
        ASSERT_TRUE(readers.back().hold());
    }
    for (auto& reader : readers)
        reader.kill();
    for (int i = 0; i < 20; ++i)
        EXPECT_NE(write_pattern(writer, spec_), 0U) << i;
    EXPECT_TRUE(wait_until([&] { return writer.stats().readers == 0; }));
    EXPECT_EQ(writer.stats().reclaimed, 6U);
}

TEST_F(Order, Writer_GoesOnWhileReadersAreKilledAtAnyMoment) {
    std::srand(2);
    Writer writer(tag_, {.slots = min_slots});
    write_pattern(writer, spec_);
    for (int round = 0; round < 20; ++round) {
        ChildProcess reading("read_on", {tag_});
        ASSERT_TRUE(reading.channel().receive());
        const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(std::rand() % 5000);
        while (std::chrono::steady_clock::now() < end)
            write_pattern(writer, spec_);
        reading.kill();
        ASSERT_TRUE(wait_until([&] { return write_pattern(writer, spec_) != 0; })) << round;
    }
    EXPECT_TRUE(wait_until([&] { return writer.stats().readers == 0; }));
}

int read_on(Channel& channel, const Arguments& arguments) {
    Reader reader(arguments.at(0));
    Frame held = reader.read();
    channel.send("attached");
    for (;;)
        held = reader.read();
}
const RegisteredRole read_on_role("read_on", read_on);

TEST_F(Order, Reader_PastThe64thReadsByCopying) {
    Writer writer(tag_);
    std::vector<Reader> readers;
    for (unsigned i = 0; i < max_readers + 3; ++i)
        readers.emplace_back(tag_);
    for (std::uint64_t number = 1; number <= 3; ++number) {
        write_pattern(writer, spec_);
        unsigned copies = 0;
        for (auto& reader : readers) {
            const Frame frame = reader.read(in_time);
            ASSERT_EQ(frame.number(), number);
            ASSERT_TRUE(is_intact(frame));
            copies += frame.is_copy() ? 1 : 0;
        }
        EXPECT_EQ(copies, 3U);
    }
}

TEST_F(Order, Reader_TakesThePlaceOfOneThatLeft) {
    Writer writer(tag_);
    write_pattern(writer, spec_);
    for (unsigned i = 0; i < 2 * max_readers; ++i) {
        Reader reader(tag_);
        ASSERT_FALSE(reader.read(in_time).is_copy()) << i;
    }
}

}  // namespace
}  // namespace ndsharray::test
