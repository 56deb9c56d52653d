// SPDX-License-Identifier: BSD-3-Clause
// Each frame in order: lossless with backpressure, with exact counts of what was missed without.
#include "core_test.hpp"
#include "remote.hpp"

#include <support/background_call.hpp>

#include <optional>
#include <sstream>
#include <thread>
#include <utility>

namespace ndsharray::test {
namespace {

/// A layout that differs from frame to frame where frames are counted in groups of `frames_per_layout`.
std::uint64_t bytes_of_frame(std::uint64_t number, std::uint64_t frames_per_layout) {
    return 100 + 8 * ((number - 1) / frames_per_layout % 40);
}

/// Reads each frame until the stream ends, and tells how many came and how many of them were wrong.
int take_each(Channel& channel, const Arguments& arguments) {
    const std::uint64_t frames_per_layout = std::stoull(arguments.at(1));
    Reader reader(arguments.at(0), in_order());
    std::uint64_t frames = 0;
    std::uint64_t wrong = 0;
    Frame frame = reader.read();
    for (; frame; frame = reader.read()) {
        ++frames;
        const bool right = frame.number() == frames && frame.missed() == 0 && is_intact(frame) &&
                           frame.spec().bytes == bytes_of_frame(frames, frames_per_layout);
        wrong += right ? 0 : 1;
    }
    std::ostringstream summary;
    summary << frames << " frames, " << wrong << " wrong, then " << name(frame.status());
    channel.send(summary.str());
    return 0;
}
const RegisteredRole take_each_role("take_each", take_each);

class EveryMode : public CoreTest {
  protected:
    /// Carries this many frames to three other processes. \returns what each of them says.
    std::vector<std::string> carry(std::uint64_t frames, std::uint64_t frames_per_layout) {
        std::vector<ChildProcess> readers;
        for (int i = 0; i < 3; ++i)
            readers.emplace_back("take_each", Arguments{tag_, std::to_string(frames_per_layout)});
        if (!wait_until([&] { return writer_.stats().readers == 3; }))
            return {"readers did not attach"};
        for (std::uint64_t number = 1; number <= frames; ++number)
            if (write_pattern(writer_, bytes_spec(bytes_of_frame(number, frames_per_layout))) != number)
                return {"a frame was not published"};
        writer_.end_of_stream();
        std::vector<std::string> summaries;
        for (auto& reader : readers)
            summaries.push_back(reader.channel().receive().value_or("nothing"));
        return summaries;
    }

    /// Publishes until the writer would have to wait. \returns the last number.
    std::uint64_t write_until_full() {
        std::uint64_t number = 0;
        for (unsigned i = 0; i < 2 * max_slots; ++i) {
            const std::uint64_t next = write_pattern(writer_, spec_, 50ms);
            if (next == 0)
                break;
            number = next;
        }
        return number;
    }

    Writer writer_{tag_, {.backpressure = true}};
};

TEST_F(EveryMode, DeliversEachFrameOnceInOrderToThreeProcesses) {
    const std::string complete = "20000 frames, 0 wrong, then EndOfStream";
    EXPECT_EQ(carry(20000, 1'000'000), std::vector<std::string>(3, complete));
    EXPECT_EQ(writer_.stats().dropped, 0U);
}

TEST_F(EveryMode, LosesNothingWhenTheLayoutChanges) {
    const std::string complete = "500 frames, 0 wrong, then EndOfStream";
    EXPECT_EQ(carry(500, 20), std::vector<std::string>(3, complete));
}

TEST_F(EveryMode, LosesNothingWhenEachFrameHasAnotherLayout) {
    const std::string complete = "200 frames, 0 wrong, then EndOfStream";
    EXPECT_EQ(carry(200, 1), std::vector<std::string>(3, complete));
}

TEST_F(EveryMode, TellsThatTheWriterHasBackpressure) {
    Reader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader));
    EXPECT_TRUE(reader.writer_has_backpressure());
    Writer without("cam1");
    Reader other("cam1", in_order());
    ASSERT_TRUE(attach(other));
    EXPECT_FALSE(other.writer_has_backpressure());
}

TEST_F(EveryMode, ReaderThatTakesNothingHoldsTheWriter) {
    RemoteReader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader, writer_));
    const std::uint64_t last = write_until_full();
    EXPECT_GE(last, 1U);
    EXPECT_LE(last, default_slots);
    EXPECT_EQ(writer_.acquire(20ms).status(), WriteStatus::Timeout);
    for (std::uint64_t number = 1; number <= last; ++number)
        EXPECT_EQ(reader.read().number, number);
    EXPECT_TRUE(writer_.acquire(in_time));
}

TEST_F(EveryMode, LatestReaderDoesNotHoldTheWriter) {
    RemoteReader reader(tag_);
    ASSERT_TRUE(attach(reader, writer_));
    for (std::uint64_t number = 1; number <= 100; ++number)
        ASSERT_EQ(write_pattern(writer_, spec_), number);
}

TEST_F(EveryMode, HeldFramesStayInOrderAndIntact) {
    Reader reader(tag_, in_order(3));
    ASSERT_TRUE(attach(reader));
    std::vector<Frame> held;
    for (std::uint64_t number = 1; number <= 40; ++number) {
        ASSERT_EQ(write_pattern(writer_, spec_), number);
        held.push_back(reader.read(in_time));
        ASSERT_EQ(held.back().number(), number);
    }
    for (const Frame& frame : held)
        EXPECT_TRUE(is_intact(frame)) << frame.number();
}

TEST_F(EveryMode, ReaderThatTheWriterWaitedForGetsTheFirstFrame) {
    for (unsigned round = 0; round < 100; ++round) {
        const std::string tag = "waited" + std::to_string(round);
        std::jthread writing([&] {
            Writer writer(tag, {.backpressure = true});
            writer.wait_for_reader(in_time);
            for (int i = 0; i < 4; ++i)
                write_pattern(writer, spec_);
            writer.drain(in_time);
        });
        Reader reader(tag, in_order());
        for (std::uint64_t expected = 1; expected <= 4; ++expected)
            ASSERT_EQ(reader.read(in_time).number(), expected) << round;
        writing.join();
    }
}

TEST_F(EveryMode, ReaderThatJoinsARunningStreamMissesNothing) {
    const std::jthread writing([this](const std::stop_token& stop) {
        while (!stop.stop_requested())
            if (WritableFrame frame = writer_.acquire(bytes_spec(64), 100ms))
                writer_.publish(std::move(frame));
    });
    ASSERT_TRUE(wait_until([this] { return writer_.stats().published > 0; }));
    const auto enough = std::chrono::steady_clock::now() + 1500ms;
    for (int join = 0; join < 5000 && std::chrono::steady_clock::now() < enough; ++join) {
        Reader reader(tag_, in_order());
        Frame frame = reader.read(in_time);
        ASSERT_TRUE(frame) << join << ": " << name(frame.status());
        for (std::uint64_t expected = frame.number() + 1, last = expected + 4; expected < last; ++expected) {
            frame = reader.read(in_time);
            ASSERT_EQ(frame.number(), expected) << join << ": " << name(frame.status());
        }
        ASSERT_EQ(reader.stats().missed, 0U) << join;
    }
}

/// A writer that waits for a reader in another process.
class HeldWriter : public EveryMode {
  protected:
    void SetUp() override {
        ASSERT_TRUE(attach(reader_, writer_));
        ASSERT_GE(write_until_full(), 1U);
        waiting_.emplace([this] { return writer_.acquire(patience); });
        ASSERT_TRUE(waiting_->blocks());
    }

    /// Whether the writer goes on within 300 ms of `start`.
    ::testing::AssertionResult goes_on_soon_after(std::chrono::steady_clock::time_point start) {
        const WritableFrame frame = waiting_->result();
        if (!frame)
            return ::testing::AssertionFailure() << name(frame.status());
        const auto took = waiting_->returned() - start;
        return (took <= with_tolerance(300ms) ? ::testing::AssertionSuccess() : ::testing::AssertionFailure())
               << "after " << std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms";
    }

    RemoteReader reader_{tag_, in_order()};
    std::optional<BackgroundCall<WritableFrame>> waiting_;
};

TEST_F(HeldWriter, GoesOnWhenTheReaderTakesAFrame) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(reader_.read().number, 1U);
    EXPECT_TRUE(goes_on_soon_after(start));
}

TEST_F(HeldWriter, GoesOnWhenTheReaderIsKilled) {
    const auto start = std::chrono::steady_clock::now();
    reader_.kill();
    EXPECT_TRUE(goes_on_soon_after(start));
}

TEST_F(HeldWriter, GoesOnWhenTheReaderLeaves) {
    const auto start = std::chrono::steady_clock::now();
    reader_.close();
    EXPECT_TRUE(goes_on_soon_after(start));
}

TEST_F(HeldWriter, GoesOnWhenTheReaderIsSuspended) {
    const auto start = std::chrono::steady_clock::now();
    reader_.suspend(true);
    EXPECT_TRUE(goes_on_soon_after(start));
}

TEST_F(EveryMode, SuspendedReaderDoesNotHoldTheWriterUntilItGoesOn) {
    RemoteReader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader, writer_));
    reader.suspend(true);
    for (std::uint64_t number = 1; number <= 100; ++number)
        ASSERT_EQ(write_pattern(writer_, spec_), number);
    reader.suspend(false);
    std::uint64_t frames = 0;
    std::uint64_t missed = 0;
    for (std::uint64_t number = 0; number < 100; ++frames) {
        const RemoteFrame frame = reader.read();
        ASSERT_TRUE(frame);
        number = frame.number;
        missed += frame.missed;
    }
    EXPECT_EQ(frames + missed, 100U);
    EXPECT_NE(write_until_full(), 100U + 2 * max_slots) << "it holds the writer no more";
}

TEST_F(EveryMode, WithoutBackpressureTheWriterNeverWaits) {
    Writer free_writer("free");
    RemoteReader reader("free", in_order());
    ASSERT_TRUE(attach(reader, free_writer));
    for (std::uint64_t number = 1; number <= 1000; ++number)
        ASSERT_EQ(write_pattern(free_writer, spec_, 0ns), number);
}

TEST_F(EveryMode, WithoutBackpressureEachMissedFrameIsCounted) {
    Writer free_writer("free");
    Reader reader("free", in_order());
    write_pattern(free_writer, spec_);
    ASSERT_EQ(reader.read(in_time).number(), 1U);
    std::uint64_t frames = 1;
    std::uint64_t last = 1;
    for (int burst = 0; burst < 60; ++burst) {
        for (int i = 0; i < burst; ++i)
            last = write_pattern(free_writer, spec_);
        for (int i = 0; i < 3; ++i) {
            const std::uint64_t before = frames + reader.stats().missed;
            const Frame frame = reader.read(0ns);
            if (!frame)
                break;
            EXPECT_EQ(frame.number(), before + frame.missed() + 1);
            EXPECT_TRUE(is_intact(frame));
            ++frames;
        }
    }
    while (reader.read(0ns))
        ++frames;
    EXPECT_EQ(frames + reader.stats().missed, last);
    EXPECT_EQ(reader.stats().frames, frames);
    EXPECT_GT(reader.stats().missed, 0U);
}

TEST_F(EveryMode, LatestReaderCountsWhatItSkips) {
    Writer free_writer("free");
    Reader reader("free");
    write_pattern(free_writer, spec_);
    ASSERT_EQ(reader.read(in_time).number(), 1U);
    for (int i = 0; i < 10; ++i)
        write_pattern(free_writer, spec_);
    const Frame frame = reader.read(in_time);
    EXPECT_EQ(frame.number(), 11U);
    EXPECT_EQ(frame.missed(), 9U);
    EXPECT_EQ(reader.stats().missed, 9U);
}

}  // namespace
}  // namespace ndsharray::test
