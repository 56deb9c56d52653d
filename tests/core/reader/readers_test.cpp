// SPDX-License-Identifier: BSD-3-Clause
// Many readers of one tag, and readers that die.
#include "core_test.hpp"
#include "remote.hpp"

#include <signal.h>

#include <cstdlib>
#include <optional>
#include <vector>

namespace ndsharray::test {
namespace {

class Readers : public CoreTest {};

TEST_F(Readers, ThatWereKilledLoseTheirLeases) {
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
    EXPECT_TRUE(wait_until([&] { return writer.stats().reclaimed == 6; })) << writer.stats().reclaimed;
}

TEST_F(Readers, MayBeKilledAtAnyMoment) {
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

TEST_F(Readers, PastThe64thReadByCopying) {
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

TEST_F(Readers, TakeThePlaceOfThoseThatLeft) {
    Writer writer(tag_);
    write_pattern(writer, spec_);
    for (unsigned i = 0; i < 2 * max_readers; ++i) {
        Reader reader(tag_);
        ASSERT_FALSE(reader.read(in_time).is_copy()) << i;
    }
}

TEST_F(Readers, LeaseAgainWhenThoseWhoHeldTheSlotsWereKilled) {
    Writer writer(tag_, {.slots = 4});
    Reader living(tag_, with_leases(1));
    {
        std::vector<RemoteReader> holding;
        for (int i = 0; i < 3; ++i) {
            holding.emplace_back(tag_);
            write_pattern(writer, spec_);
            ASSERT_TRUE(holding.back().hold());
        }
        write_pattern(writer, spec_);
        ASSERT_TRUE(living.read(in_time).is_copy()) << "the slots were to be held";
    }
    EXPECT_TRUE(wait_until([&] {
        write_pattern(writer, spec_);
        return !living.read(in_time).is_copy();
    }));
}

TEST_F(Readers, ThatTookThePlaceOfKilledOnesLease) {
    Writer writer(tag_);
    write_pattern(writer, spec_);
    {
        std::vector<RemoteReader> killed;
        for (int i = 0; i < 5; ++i) {
            killed.emplace_back(tag_);
            ASSERT_TRUE(killed.back().hold());
        }
    }
    std::vector<Reader> readers;
    for (unsigned i = 0; i < max_readers; ++i) {
        readers.emplace_back(tag_);
        EXPECT_FALSE(readers.back().read(in_time).is_copy()) << i;
    }
}

/// Takes every entry of the table and a lease with each.
int hold_with_all_entries(Channel& channel, const Arguments& arguments) {
    std::vector<Reader> readers;
    std::vector<Frame> held;
    for (unsigned i = 0; i < max_readers; ++i) {
        readers.emplace_back(arguments.at(0));
        held.push_back(readers.back().read(in_time));
        if (!held.back() || held.back().is_copy())
            throw std::runtime_error("no lease");
    }
    channel.send("held");
    channel.receive(std::nullopt);
    return 0;
}
const RegisteredRole hold_with_all_entries_role("hold_with_all_entries", hold_with_all_entries);

TEST_F(Readers, TakeTheEntriesOfKilledOnesThoughTheWriterIsStopped) {
    RemoteWriter writer(tag_);
    writer.write();
    {
        ChildProcess killed("hold_with_all_entries", {tag_});
        ASSERT_EQ(killed.channel().receive(), "held");
        ::kill(writer.pid(), SIGSTOP);  // so that nobody reclaims what they had
    }
    Reader reader(tag_);
    const Frame frame = reader.read(in_time);
    EXPECT_TRUE(frame && is_intact(frame));
    EXPECT_FALSE(frame.is_copy());
    ::kill(writer.pid(), SIGCONT);
    writer.close();
}

TEST_F(Readers, ThatAreGoneHoldNoWriterThoughTheirFramesLive) {
    Writer writer(tag_, {.backpressure = true});
    std::optional<Reader> reader(std::in_place, tag_, in_order());
    ASSERT_TRUE(attach(*reader));
    write_pattern(writer, spec_);
    const Frame held = reader->read(in_time);
    reader.reset();
    for (int i = 0; i < 50; ++i)
        ASSERT_NE(write_pattern(writer, spec_), 0U) << i;
    EXPECT_EQ(writer.drain(in_time), WriteStatus::Ok);
    EXPECT_TRUE(is_intact(held));
}

TEST_F(Readers, OfATableThatWasFullGetAnEntryOnceOneIsFree) {
    Writer writer(tag_);
    std::vector<Reader> readers;
    for (unsigned i = 0; i < max_readers; ++i)
        readers.emplace_back(tag_);
    for (Reader& reader : readers)
        ASSERT_TRUE(attach(reader));
    Reader late(tag_, in_order());
    const auto gets_a_copy = [&] {
        EXPECT_NE(write_pattern(writer, spec_), 0U);
        const Frame frame = late.read(in_time);
        EXPECT_TRUE(frame && is_intact(frame));
        return frame.is_copy();
    };
    EXPECT_TRUE(gets_a_copy());
    EXPECT_TRUE(gets_a_copy());
    readers.pop_back();
    EXPECT_TRUE(wait_until([&] { return !gets_a_copy(); }));
    EXPECT_EQ(writer.stats().readers, max_readers);
    EXPECT_EQ(late.stats().missed, 0U);
}

}  // namespace
}  // namespace ndsharray::test
