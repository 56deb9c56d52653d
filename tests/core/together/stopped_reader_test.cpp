// SPDX-License-Identifier: BSD-3-Clause
// A reader whose process is stopped (SIGSTOP) is alive and does nothing: whom that holds up, and whom not.
#include "core_test.hpp"
#include "load.hpp"
#include "remote.hpp"

#include <support/background_call.hpp>
#include <support/stopped.hpp>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>

namespace ndsharray::test {
namespace {

constexpr std::uint64_t many_frames = 5000;

struct Case {
    ReadMode mode;
    bool backpressure;
};

std::string described(const Case& one) {
    return std::string(one.mode == ReadMode::Every ? "Every" : "Latest") +
           (one.backpressure ? "AndBackpressure" : "");
}

/// GoogleTest prints it with this, instead of its bytes, some of which are nothing.
void PrintTo(const Case& one, std::ostream* out) {
    *out << described(one);
}

class StoppedReader : public CoreTest {
  protected:
    std::uint64_t bytes_in_folder() const {
        std::uint64_t bytes = 0;
        for (const auto& entry : std::filesystem::directory_iterator(directory_.path()))
            bytes += entry.file_size();
        return bytes;
    }
};

/// All but the one that asks for it: every frame, with backpressure.
class StoppedReaderThatHoldsNobody : public StoppedReader, public ::testing::WithParamInterface<Case> {};

INSTANTIATE_TEST_SUITE_P(With, StoppedReaderThatHoldsNobody,
                         ::testing::Values(Case{ReadMode::Latest, false}, Case{ReadMode::Latest, true},
                                           Case{ReadMode::Every, false}),
                         [](const auto& info) { return described(info.param); });

TEST_P(StoppedReaderThatHoldsNobody, LetsTheWriterGoOnInTheSameSpaceAndFindsItsFramesIntact) {
    Writer writer(tag_, {.backpressure = GetParam().backpressure});
    RemoteReader reader(tag_, reading(GetParam().mode));
    ASSERT_TRUE(attach(reader, writer));
    Reader running(tag_);
    ASSERT_TRUE(attach(running));
    write_pattern(writer, spec_);
    ASSERT_TRUE(reader.hold());
    write_pattern(writer, spec_);
    ASSERT_TRUE(reader.hold());
    const std::uint64_t space = bytes_in_folder();
    {
        const Stopped stopped(reader.pid());
        for (std::uint64_t i = 0; i < many_frames; ++i) {
            ASSERT_NE(write_pattern(writer, spec_, 1s), 0U) << i;
            const Frame frame = running.read(in_time);
            ASSERT_TRUE(is_intact(frame)) << i;
            ASSERT_FALSE(frame.is_copy()) << i;
        }
        EXPECT_EQ(writer.stats().dropped, 0U);
        EXPECT_EQ(writer.stats().readers, 2U) << "it is alive";
        EXPECT_EQ(bytes_in_folder(), space);
    }
    EXPECT_TRUE(reader.held_are_intact());
    reader.release_held();
    const RemoteFrame next = reader.read();
    EXPECT_TRUE(next);
    EXPECT_EQ(next.number, 2 + next.missed + 1);
    EXPECT_GT(next.missed, many_frames - 2 * default_slots);
    reader.close();
}

TEST_F(StoppedReader, AtAnyMomentSeesOnlyWholeFramesInOrder) {
    constexpr std::uint64_t frames_each = 300;
    std::srand(4);
    Writer writer(tag_);
    ChildProcess latest = start_reading(tag_, with_leases(2), 1000),
                 every = start_reading(tag_, in_order(), 1000);
    ASSERT_EQ(latest.channel().receive(), "attached");
    ASSERT_EQ(every.channel().receive(), "attached");
    for (int round = 0; round < 30; ++round) {
        for (int i = std::rand() % 100; i > 0; --i)
            ASSERT_NE(write_pattern(writer, spec_), 0U);
        const Stopped first(latest.pid()), second(every.pid());
        for (std::uint64_t i = 0; i < frames_each; ++i)
            ASSERT_NE(write_pattern(writer, spec_), 0U) << round;
    }
    write_to_the_end(writer, spec_, 1);
    for (ChildProcess* reader : {&latest, &every}) {
        const Sight sight = sight_of(*reader, 3 * patience);
        EXPECT_TRUE(sight.is_flawless());
        EXPECT_GT(sight.frames, 0U);
        EXPECT_EQ(sight.frames + sight.missed, writer.stats().published);
    }
}

TEST_F(StoppedReader, WhoseLayoutChangesMeanwhileKeepsItsFrameAndMovesOn) {
    Writer writer(tag_);
    RemoteReader reader(tag_);
    ASSERT_TRUE(attach(reader, writer));
    write_pattern(writer, spec_);
    ASSERT_TRUE(reader.hold());
    {
        const Stopped stopped(reader.pid());
        for (std::uint64_t i = 1; i <= 500; ++i)
            ASSERT_NE(write_pattern(writer, bytes_spec(i)), 0U);
        EXPECT_EQ(directory_.entries().size(), 3U);
    }
    EXPECT_TRUE(reader.held_are_intact());
    const RemoteFrame next = reader.read();
    EXPECT_TRUE(next);
    EXPECT_EQ(next.number, 501U);
    reader.close();
}

/// A reader of every frame at a writer with backpressure holds it up: that is what it asked for.
class StoppedReaderOfEveryFrame : public StoppedReader {
  protected:
    void SetUp() override {
        ASSERT_TRUE(attach(reader_, *writer_));
        ASSERT_EQ(write_pattern(*writer_, spec_), 1U);
        ASSERT_TRUE(reader_.read()) << "it was to have the segment mapped";
        stopped_.emplace(reader_.pid());
        while (write_pattern(*writer_, spec_, 0ns) != 0)
            ++written_;
        ASSERT_GT(written_, 1U);
    }

    std::optional<Writer> writer_{std::in_place, tag_, WriterOptions{.backpressure = true}};
    RemoteReader reader_{tag_, in_order()};
    std::optional<Stopped> stopped_;
    std::uint64_t written_ = 1;
};

TEST_F(StoppedReaderOfEveryFrame, HoldsTheWriterUntilItGoesOnAndMissesNothing) {
    BackgroundCall<std::uint64_t> writing([&] { return write_pattern(*writer_, spec_, 60s); });
    ASSERT_TRUE(writing.blocks());
    EXPECT_EQ(writer_->stats().readers, 1U) << "it is alive";
    stopped_.reset();
    for (std::uint64_t number = 2; number <= written_ + 1; ++number) {
        const RemoteFrame frame = reader_.read();
        ASSERT_TRUE(frame) << number;
        EXPECT_EQ(frame.number, number);
    }
    EXPECT_EQ(writing.result(), written_ + 1);
    reader_.close();
}

TEST_F(StoppedReaderOfEveryFrame, LetsTheWriterBeCancelledAndClosed) {
    BackgroundCall<std::uint64_t> writing([&] { return write_pattern(*writer_, spec_, 60s); });
    ASSERT_TRUE(writing.blocks());
    writer_->cancel();
    EXPECT_EQ(writing.result(), 0U);
    writer_->resume();
    EXPECT_EQ(writer_->drain(10ms), WriteStatus::Timeout);
    writer_.reset();
    EXPECT_EQ(directory_.entries(), std::vector<std::string>{});
    stopped_.reset();
    for (std::uint64_t number = 2; number <= written_; ++number)
        EXPECT_EQ(reader_.read().number, number) << "it has them mapped";
    EXPECT_EQ(reader_.read().status, ReadStatus::Disconnected);
    reader_.close();
}

TEST_F(StoppedReaderOfEveryFrame, LetsTheWriterGoOnOnceItIsKilled) {
    BackgroundCall<std::uint64_t> writing([&] { return write_pattern(*writer_, spec_, 60s); });
    ASSERT_TRUE(writing.blocks());
    reader_.kill();
    EXPECT_EQ(writing.result(), written_ + 1);
}

}  // namespace
}  // namespace ndsharray::test
