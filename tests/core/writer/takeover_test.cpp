// SPDX-License-Identifier: BSD-3-Clause
// One writer at a time: who comes second is refused, who comes after a dead one takes over.
#include "core_test.hpp"
#include "remote.hpp"

#include <support/background_call.hpp>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

namespace ndsharray::test {
namespace {

class TakeOver : public CoreTest {};

TEST_F(TakeOver, Writer_TakesOverTheTagOfAKilledWriter) {
    RemoteWriter killed(tag_);
    killed.write();
    killed.kill();
    RemoteWriter writer(tag_);
    EXPECT_NE(writer.write(), 0U);
    writer.close();
}

TEST_F(TakeOver, Writer_KilledAtAnyMomentIsTakenOver) {
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

TEST_F(TakeOver, SecondWriter_IsRefusedNamingTagAndOtherProcess) {
    RemoteWriter first(tag_);
    const Error error = error_of([&] { Writer second(tag_); });
    EXPECT_EQ(error.code(), ErrorCode::TagInUse);
    EXPECT_TRUE(contains(error.what(), tag_)) << error.what();
    EXPECT_TRUE(contains(error.what(), std::to_string(first.pid()))) << error.what();
    first.close();
}

TEST_F(TakeOver, SecondWriter_IsRefusedInTheSameProcess) {
    Writer first(tag_);
    EXPECT_EQ(error_of([&] { Writer second(tag_); }).code(), ErrorCode::TagInUse);
}

TEST_F(TakeOver, SecondWriter_DoesNotDisturbTheFirst) {
    Writer first(tag_);
    Reader reader(tag_);
    write_pattern(first, spec_);
    error_of([&] { Writer second(tag_); });
    write_pattern(first, spec_);
    const Frame frame = reader.read(in_time);
    EXPECT_EQ(frame.number(), 2U);
    EXPECT_TRUE(is_intact(frame));
}

TEST_F(TakeOver, DoesNotWaitForFramesThatWereLostWithADeadWriter) {
    RemoteReader reader(tag_, in_order());
    std::optional<RemoteWriter> dead(std::in_place, tag_, WriterOptions{.backpressure = true});
    dead->write();
    ASSERT_EQ(reader.read().number, 1U);
    dead->write(1, 7000);  // in a segment that the reader has not opened yet
    dead->kill();
    Writer writer(tag_, {.backpressure = true});
    BackgroundCall<std::uint64_t> writing([&] { return write_pattern(writer, spec_); },
                                          [&] { writer.cancel(); });
    RemoteFrame frame = reader.read();
    while (frame.status == ReadStatus::Disconnected || frame.number == 2)
        frame = reader.read();
    EXPECT_TRUE(frame) << name(frame.status);
    EXPECT_TRUE(frame.first_of_writer);
    EXPECT_NE(writing.result(), 0U);
}

TEST_F(TakeOver, DoesNotWaitForTheFrameThatWasInFlight) {
    RemoteReader reader(tag_, in_order());
    RemoteWriter dead(tag_, {.backpressure = true});
    dead.write();
    ASSERT_EQ(reader.read().number, 1U);
    dead.start_frame();
    dead.kill();
    Writer writer(tag_, {.backpressure = true});
    BackgroundCall<std::uint64_t> writing([&] { return write_pattern(writer, spec_); },
                                          [&] { writer.cancel(); });
    RemoteFrame frame = reader.read();
    while (frame.status == ReadStatus::Disconnected)
        frame = reader.read();
    EXPECT_TRUE(frame) << name(frame.status);
    EXPECT_NE(writing.result(), 0U);
}

/// Writes frames with backpressure, each of another layout, until it is killed.
int change_layouts_for_readers(Channel& channel, const Arguments& arguments) {
    Writer writer(arguments.at(0), {.backpressure = true});
    channel.send("started");
    for (std::uint64_t bytes = 1;; bytes = bytes % 50'000 + 1)
        write_pattern(writer, bytes_spec(bytes));
}
const RegisteredRole change_layouts_for_readers_role("change_layouts_for_readers",
                                                     change_layouts_for_readers);

/// Reads every frame until there is one that has no element, and says so.
int read_until_empty(Channel& channel, const Arguments& arguments) {
    Reader reader(arguments.at(0), in_order());
    for (;;) {
        const Frame frame = reader.read();
        if (frame && !is_intact(frame))
            channel.send("torn");
        else if (frame && frame.spec().bytes == 0)
            channel.send("empty");
    }
}
const RegisteredRole read_until_empty_role("read_until_empty", read_until_empty);

TEST_F(TakeOver, AtAnyMomentKeepsReadersOfEveryFrameGoing) {
    std::srand(3);
    ChildProcess reader("read_until_empty", {tag_});
    for (int round = 0; round < 20; ++round) {
        ChildProcess changing("change_layouts_for_readers", {tag_});
        ASSERT_TRUE(changing.channel().receive());
        std::this_thread::sleep_for(std::chrono::microseconds(std::rand() % 5000));  // any moment
        changing.kill();
        Writer writer(tag_, {.backpressure = true});
        ASSERT_EQ(writer.wait_for_reader(in_time), WriteStatus::Ok) << round;
        BackgroundCall<std::uint64_t> writing([&] { return write_pattern(writer, bytes_spec(0)); },
                                              [&] { writer.cancel(); });
        ASSERT_EQ(reader.channel().receive(), "empty") << round;
        ASSERT_NE(writing.result(), 0U);
        ASSERT_EQ(writer.drain(in_time), WriteStatus::Ok) << round;
        writer.close();
    }
}

/// Takes the tag whenever it is free, writes a little and leaves.
int contend(Channel& channel, const Arguments& arguments) {
    int turns = 0;
    while (turns < 30) {
        try {
            Writer writer(arguments.at(0));
            write_pattern(writer, bytes_spec(1000));
            ++turns;
        } catch (const Error& error) {
            if (error.code() != ErrorCode::TagInUse)
                throw;
        }
    }
    channel.send("had its turns");
    return 0;
}
const RegisteredRole contend_role("contend", contend);

/// Readers make a system call for each frame they let go of while that word says that the writer waits.
TEST_F(TakeOver, ForgetsThatADeadWriterWaited) {
    constexpr std::streamoff writer_waiting = 132;  // core/PROTOCOL.md
    RemoteWriter killed(tag_, {.backpressure = true});
    killed.kill();
    std::fstream table(file(".readers"), std::ios::binary | std::ios::in | std::ios::out);
    table.seekp(writer_waiting).put('\1').flush();  // what one leaves that is killed waiting
    Writer writer(tag_);
    EXPECT_EQ(table.seekg(writer_waiting).get(), 0);
}

TEST_F(TakeOver, WorksForWritersThatContend) {
    Reader reader(tag_);
    std::vector<ChildProcess> writers;
    for (int i = 0; i < 3; ++i)
        writers.emplace_back("contend", Arguments{tag_});
    for (auto& writer : writers) {
        EXPECT_EQ(writer.channel().receive(3 * patience), "had its turns");
        EXPECT_EQ(writer.wait_for_exit(), 0);
    }
    EXPECT_EQ(directory_.entries(), std::vector<std::string>{});
    Writer last(tag_);
    write_pattern(last, bytes_spec(77));
    EXPECT_TRUE(wait_until([&] {
        const Frame frame = reader.read(in_time);
        return frame && frame.spec().bytes == 77 && is_intact(frame);
    }));
}

}  // namespace
}  // namespace ndsharray::test
