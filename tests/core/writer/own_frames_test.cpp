// SPDX-License-Identifier: BSD-3-Clause
// Slots in the writer's own hands: running out of them, giving them back, pinning them for a pool.
#include "core_test.hpp"
#include "remote.hpp"

#include <support/background_call.hpp>

#include <atomic>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace ndsharray::test {
namespace {

class OwnFrames : public CoreTest {
  protected:
    /// Takes slots until there are no more. \returns why there are none.
    WriteStatus take_all(Writer& writer) {
        for (;;) {
            WritableFrame frame = writer.acquire(0ns);
            if (!frame)
                return frame.status();
            out_.push_back(std::move(frame));
        }
    }

    std::vector<WritableFrame> out_;
};

TEST_F(OwnFrames, ComeFromDifferentSlots) {
    Writer writer(tag_);
    writer.configure(spec_);
    take_all(writer);
    for (std::size_t i = 0; i < out_.size(); ++i)
        std::memset(out_[i].data(), static_cast<int>(i), spec_.bytes);
    for (std::size_t i = 0; i < out_.size(); ++i)
        EXPECT_EQ(out_[i].data()[spec_.bytes - 1], static_cast<std::byte>(i));
    EXPECT_EQ(out_.size(), default_slots);
}

TEST_F(OwnFrames, RunOutWithNoSlotCountedAsADrop) {
    Writer writer(tag_);
    writer.configure(spec_);
    EXPECT_EQ(take_all(writer), WriteStatus::NoSlot);
    EXPECT_EQ(writer.stats().dropped, 1U);
    EXPECT_EQ(writer.acquire().status(), WriteStatus::NoSlot) << "without backpressure it never waits";
    EXPECT_EQ(writer.stats().dropped, 2U);
}

TEST_F(OwnFrames, LeaveTheNewestFrameToReaders) {
    Writer writer(tag_);
    write_pattern(writer, spec_);
    take_all(writer);
    Reader reader(tag_);
    const Frame frame = reader.read(in_time);
    EXPECT_EQ(frame.number(), 1U);
    EXPECT_TRUE(is_intact(frame));
}

TEST_F(OwnFrames, GivenBackMakeRoomAgain) {
    Writer writer(tag_);
    writer.configure(spec_);
    take_all(writer);
    out_.back().release();
    EXPECT_TRUE(writer.acquire(0ns));
}

TEST_F(OwnFrames, GivenBackWakeAWriterThatWaits) {
    Writer writer(tag_, {.backpressure = true});
    writer.configure(spec_);
    EXPECT_EQ(take_all(writer), WriteStatus::Timeout);
    BackgroundCall<WritableFrame> waiting([&] { return writer.acquire(patience); });
    ASSERT_TRUE(waiting.blocks());
    const auto start = std::chrono::steady_clock::now();
    out_.back().release();
    EXPECT_TRUE(waiting.result());
    EXPECT_LE(waiting.returned() - start, with_tolerance(100ms));
}

TEST_F(OwnFrames, OutliveTheirWriter) {
    std::optional<Writer> writer(std::in_place, tag_);
    WritableFrame frame = writer->acquire(spec_);
    writer.reset();
    fill_pattern(pixels_of(frame), 1);
    EXPECT_TRUE(has_pattern(pixels_of(frame), 1));
    EXPECT_EQ(frame.spec(), spec_);
}

TEST_F(OwnFrames, MayBePublishedInAnotherOrder) {
    Writer writer(tag_);
    Reader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader));
    writer.configure(spec_);
    WritableFrame first = writer.acquire();
    WritableFrame second = writer.acquire();
    fill_pattern(pixels_of(first), 10);
    fill_pattern(pixels_of(second), 20);
    EXPECT_EQ(writer.publish(std::move(second), {.offset = 20}), 1U);
    EXPECT_EQ(writer.publish(std::move(first), {.offset = 10}), 2U);
    for (const std::uint64_t key : {20U, 10U}) {
        const Frame frame = reader.read(in_time);
        EXPECT_EQ(frame.info().offset, key);
        EXPECT_TRUE(is_intact(frame));
    }
}

TEST_F(OwnFrames, MovedFromFrameIsEmpty) {
    Writer writer(tag_);
    WritableFrame frame = writer.acquire(spec_);
    WritableFrame moved = std::move(frame);
    EXPECT_FALSE(frame);  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(writer.publish(std::move(frame)), 0U);
    EXPECT_EQ(writer.publish(std::move(moved)), 1U);
}

TEST_F(OwnFrames, MayBeTakenAndPublishedByManyThreads) {
    Writer writer(tag_);
    Reader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader));
    writer.configure(spec_);
    constexpr unsigned threads = 4;
    constexpr unsigned frames_each = 500;
    std::atomic<unsigned> left{threads};
    std::atomic<unsigned> published{0};
    std::vector<std::jthread> writing;
    for (unsigned i = 0; i < threads; ++i) {
        writing.emplace_back([&] {
            for (unsigned frame = 0; frame < frames_each; ++frame)
                published += write_pattern(writer, spec_, 0ns) != 0 ? 1 : 0;
            --left;
        });
    }
    std::uint64_t last = 0;
    std::uint64_t frames = 0;
    while (left > 0 || last < published) {
        const Frame frame = reader.read(10ms);
        if (!frame)
            continue;
        ASSERT_GT(frame.number(), last);
        ASSERT_TRUE(is_intact(frame)) << frame.number();
        last = frame.number();
        ++frames;
    }
    EXPECT_EQ(writer.stats().published, published);
    EXPECT_EQ(last, published);
    EXPECT_EQ(frames + reader.stats().missed, last);
}

TEST_F(OwnFrames, AreWaitedForUntilTheWriterIsClosed) {
    Writer writer(tag_, {.backpressure = true});
    writer.configure(spec_);
    take_all(writer);
    BackgroundCall<WritableFrame> waiting([&] { return writer.acquire(patience); });
    ASSERT_TRUE(waiting.blocks());
    const auto start = std::chrono::steady_clock::now();
    writer.close();
    EXPECT_EQ(waiting.result().status(), WriteStatus::Closed);
    EXPECT_LE(waiting.returned() - start, with_tolerance(100ms));
}

class PinnedFrames : public CoreTest {
  protected:
    void SetUp() override { writer_.configure(spec_); }

    /// A pinned frame with the pattern of this key.
    WritableFrame filled(std::uint64_t key) {
        WritableFrame frame = writer_.acquire_pinned();
        if (frame)
            fill_pattern(pixels_of(frame), key);
        return frame;
    }

    Writer writer_{tag_};
    Reader reader_{tag_};
};

TEST_F(PinnedFrames, StayReadableAfterPublication) {
    WritableFrame pinned = filled(5);
    ASSERT_TRUE(pinned);
    EXPECT_FALSE(pinned.is_published());
    EXPECT_EQ(writer_.publish_pinned(pinned, {.offset = 5}), 1U);
    EXPECT_TRUE(pinned.is_published());
    for (unsigned i = 0; i < 3 * max_slots; ++i)
        write_pattern(writer_, spec_);
    EXPECT_TRUE(has_pattern(pixels_of(pinned), 5));
}

TEST_F(PinnedFrames, AreReadLikeOthers) {
    WritableFrame pinned = filled(5);
    writer_.publish_pinned(pinned, {.offset = 5});
    const Frame frame = reader_.read(in_time);
    EXPECT_EQ(frame.number(), 1U);
    EXPECT_FALSE(frame.is_copy());
    EXPECT_TRUE(is_intact(frame));
}

TEST_F(PinnedFrames, MayBeReleasedWhileReadersHoldThem) {
    WritableFrame pinned = filled(5);
    writer_.publish_pinned(pinned, {.offset = 5});
    const Frame frame = reader_.read(in_time);
    pinned.release();
    for (unsigned i = 0; i < 3 * max_slots; ++i)
        write_pattern(writer_, spec_);
    EXPECT_TRUE(is_intact(frame));
}

TEST_F(PinnedFrames, MayBeReleasedWhileTheyAreTheNewest) {
    WritableFrame pinned = filled(5);
    writer_.publish_pinned(pinned, {.offset = 5});
    pinned.release();
    const Frame frame = reader_.read(in_time);
    EXPECT_EQ(frame.number(), 1U);
    EXPECT_TRUE(is_intact(frame));
}

TEST_F(PinnedFrames, MayNotBePublishedTwice) {
    WritableFrame pinned = filled(5);
    EXPECT_EQ(writer_.publish_pinned(pinned), 1U);
    EXPECT_EQ(writer_.publish_pinned(pinned), 0U);
}

TEST_F(PinnedFrames, LeaveEnoughToWriteAndRead) {
    std::vector<WritableFrame> pinned;
    WritableFrame frame = writer_.acquire_pinned();
    for (; frame; frame = writer_.acquire_pinned())
        pinned.push_back(std::move(frame));
    EXPECT_EQ(frame.status(), WriteStatus::NoSlot);
    EXPECT_FALSE(pinned.empty());
    EXPECT_EQ(writer_.stats().dropped, 0U);
    for (std::uint64_t number = 1; number <= 20; ++number) {
        ASSERT_EQ(write_pattern(writer_, spec_), number);
        const Frame read = reader_.read(in_time);
        ASSERT_EQ(read.number(), number);
        ASSERT_TRUE(is_intact(read));
    }
}

TEST_F(PinnedFrames, CirculateLikeThoseOfAPool) {
    WritableFrame newest;
    for (std::uint64_t number = 1; number <= 200; ++number) {
        WritableFrame next = filled(number);
        ASSERT_TRUE(next) << number;
        ASSERT_EQ(writer_.publish_pinned(next, {.offset = number}), number);
        newest = std::move(next);
        const Frame frame = reader_.read(in_time);
        ASSERT_EQ(frame.number(), number);
        ASSERT_TRUE(is_intact(frame));
    }
}

TEST_F(PinnedFrames, OfAnOldLayoutAreNotPublished) {
    WritableFrame pinned = filled(5);
    writer_.configure(bytes_spec(10));
    EXPECT_EQ(writer_.publish_pinned(pinned), 0U);
    EXPECT_TRUE(has_pattern(pixels_of(pinned), 5));
}

}  // namespace
}  // namespace ndsharray::test
