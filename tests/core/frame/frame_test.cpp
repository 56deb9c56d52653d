// SPDX-License-Identifier: BSD-3-Clause
// Frames in a reader's hands: how long they last, how they move, when they are copies.
#include "core_test.hpp"
#include "remote.hpp"

#include <malloc.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace ndsharray::test {
namespace {

class FrameTest : public CoreTest {
  protected:
    /// The next frame, published for it.
    Frame next(Reader& reader) {
        write_pattern(*writer_, spec_);
        return reader.read(in_time);
    }

    /// Overwrites every slot that may be overwritten.
    void write_many() {
        for (unsigned i = 0; i < 3 * max_slots; ++i)
            write_pattern(*writer_, spec_);
    }

    std::optional<Writer> writer_{std::in_place, tag_};
    std::optional<Reader> reader_{std::in_place, tag_};
};

TEST_F(FrameTest, DefaultFrameIsEmpty) {
    const Frame frame;
    EXPECT_FALSE(frame);
    EXPECT_TRUE(frame.metadata().empty());
}

TEST_F(FrameTest, IsNotACopyByDefault) {
    EXPECT_FALSE(next(*reader_).is_copy());
}

TEST_F(FrameTest, OfAWritableReaderMayBeChangedAndNobodySeesIt) {
    ReaderOptions options;
    options.writable = true;
    Reader writable(tag_, options);
    const Frame shared = next(*reader_);
    Frame own = writable.read(in_time);
    ASSERT_NE(own.writable_data(), nullptr);
    EXPECT_TRUE(is_intact(own));
    own.writable_data()[7] = ~own.data()[7];
    write_many();
    EXPECT_FALSE(is_intact(own));
    own.writable_data()[7] = ~own.data()[7];
    EXPECT_TRUE(is_intact(own)) << "changed by somebody else";
    EXPECT_TRUE(is_intact(shared));
}

TEST_F(FrameTest, InSharedMemoryIsNotToBeChanged) {
    EXPECT_EQ(next(*reader_).writable_data(), nullptr);
}

TEST_F(FrameTest, StaysWhileTheWriterGoesOn) {
    const Frame frame = next(*reader_);
    write_many();
    EXPECT_TRUE(is_intact(frame));
}

TEST_F(FrameTest, StaysAcrossALayoutChange) {
    const Frame frame = next(*reader_);
    for (std::uint64_t bytes = 6000; bytes < 6020; ++bytes)
        write_pattern(*writer_, bytes_spec(bytes));
    ASSERT_TRUE(reader_->read(in_time));
    EXPECT_TRUE(is_intact(frame));
    EXPECT_EQ(frame.spec(), spec_);
}

TEST_F(FrameTest, StaysAfterTheWriterClosed) {
    writer_->configure(spec_, {{"caps", "some"}});
    const Frame frame = next(*reader_);
    const std::string segment = frame.segment_name();
    writer_->close();
    EXPECT_TRUE(is_intact(frame));
    EXPECT_EQ(frame.attributes().at("caps"), "some");
    EXPECT_EQ(frame.segment_name(), segment);
}

TEST_F(FrameTest, StaysWhenANewWriterTakesTheTag) {
    const Frame frame = next(*reader_);
    writer_.reset();
    writer_.emplace(tag_);
    write_many();
    ASSERT_TRUE(wait_until([&] { return static_cast<bool>(reader_->read(0ns)); }));
    EXPECT_TRUE(is_intact(frame));
}

TEST_F(FrameTest, OutlivesItsReader) {
    const Frame frame = next(*reader_);
    reader_.reset();
    write_many();
    EXPECT_TRUE(is_intact(frame));
    EXPECT_EQ(frame.spec(), spec_);
}

TEST_F(FrameTest, OutlivesReaderAndWriter) {
    const Frame frame = next(*reader_);
    reader_.reset();
    write_many();
    writer_.reset();
    EXPECT_TRUE(is_intact(frame));
}

TEST_F(FrameTest, CopyOutlivesReaderAndWriter) {
    Reader copying(tag_, with_leases(0));
    const Frame frame = next(copying);
    copying = Reader("other");
    write_many();
    writer_.reset();
    EXPECT_TRUE(frame.is_copy());
    EXPECT_TRUE(is_intact(frame));
}

TEST_F(FrameTest, MayBeDestroyedInAnotherThread) {
    Reader single(tag_, with_leases(1));
    Frame frame = next(single);
    std::thread([moved = std::move(frame)] {}).join();
    EXPECT_FALSE(next(single).is_copy()) << "the lease was not given back";
}

TEST_F(FrameTest, MovedFromFrameIsEmpty) {
    Frame frame = next(*reader_);
    const Frame moved = std::move(frame);
    EXPECT_FALSE(frame);  // NOLINT(bugprone-use-after-move)
    EXPECT_TRUE(is_intact(moved));
}

TEST_F(FrameTest, MoveKeepsTheLease) {
    Frame frame = next(*reader_);
    const auto moved = std::make_unique<Frame>(std::move(frame));
    frame = Frame();
    write_many();
    EXPECT_TRUE(is_intact(*moved));
}

TEST_F(FrameTest, MoveAssignmentGivesTheOldLeaseBack) {
    Reader twice(tag_, with_leases(2));
    Frame frame = next(twice);
    for (int i = 0; i < 10; ++i) {
        frame = next(twice);
        EXPECT_FALSE(frame.is_copy()) << i;
        EXPECT_TRUE(is_intact(frame));
    }
}

TEST_F(FrameTest, ReleaseEmptiesIt) {
    Frame frame = next(*reader_);
    frame.release();
    EXPECT_FALSE(frame);
    frame.release();
    EXPECT_FALSE(frame);
}

TEST_F(FrameTest, ReleaseGivesTheLeaseBack) {
    Reader single(tag_, with_leases(1));
    Frame frame = next(single);
    EXPECT_TRUE(next(single).is_copy());
    frame.release();
    EXPECT_FALSE(next(single).is_copy());
}

TEST_F(FrameTest, IsACopyPastTheMostLeases) {
    Reader reader(tag_, with_leases(3));
    std::vector<Frame> held;
    for (int i = 0; i < 3; ++i) {
        held.push_back(next(reader));
        EXPECT_FALSE(held.back().is_copy()) << i;
    }
    held.push_back(next(reader));
    EXPECT_TRUE(held.back().is_copy());
    for (const Frame& frame : held)
        EXPECT_TRUE(is_intact(frame)) << frame.number();
}

TEST_F(FrameTest, IsAlwaysACopyWithoutLeases) {
    Reader copying(tag_, with_leases(0));
    for (int i = 0; i < 5; ++i) {
        const Frame frame = next(copying);
        EXPECT_TRUE(frame.is_copy());
        EXPECT_TRUE(is_intact(frame));
    }
    EXPECT_EQ(copying.stats().copied, 5U);
}

TEST_F(FrameTest, CopyIsLikeTheOriginal) {
    writer_.emplace("other", WriterOptions{.metadata_capacity = 8});
    writer_->configure(spec_, {{"caps", "some"}});
    Reader leasing("other");
    Reader copying("other", with_leases(0));
    const std::byte metadata[] = {std::byte{1}, std::byte{2}};
    WritableFrame writable = writer_->acquire();
    writer_->publish(std::move(writable), {.pts = 5, .flags = 6}, metadata);
    const Frame lease = leasing.read(in_time);
    const Frame copy = copying.read(in_time);
    ASSERT_TRUE(lease && copy);
    EXPECT_TRUE(copy.is_copy());
    EXPECT_EQ(copy.spec(), lease.spec());
    EXPECT_EQ(copy.attributes(), lease.attributes());
    EXPECT_EQ(copy.number(), lease.number());
    EXPECT_EQ(copy.info().published, lease.info().published);
    EXPECT_EQ(copy.info().pts, 5);
    EXPECT_EQ(copy.info().flags, 6U);
    EXPECT_EQ(copy.generation(), lease.generation());
    EXPECT_EQ(copy.segment_name(), lease.segment_name());
    EXPECT_TRUE(
        std::equal(copy.metadata().begin(), copy.metadata().end(), std::begin(metadata), std::end(metadata)));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(copy.data()) % 4096, 0U);
}

TEST_F(FrameTest, HoldingAllItCanNeverStopsTheWriter) {
    writer_.emplace("other", WriterOptions{.slots = min_slots});
    Reader greedy("other", with_leases(32));
    std::vector<Frame> held;
    for (int i = 0; i < 20; ++i) {
        ASSERT_NE(write_pattern(*writer_, spec_), 0U) << i;
        held.push_back(greedy.read(in_time));
    }
    for (const Frame& frame : held)
        EXPECT_TRUE(is_intact(frame)) << frame.number();
}

TEST_F(FrameTest, CountsWhatTheReaderCounts) {
    Reader single(tag_, with_leases(1));
    const Frame held = next(single);
    next(single);
    next(single).release();
    const ReaderStats stats = single.stats();
    EXPECT_EQ(stats.frames, 3U);
    EXPECT_EQ(stats.copied, 2U);
    EXPECT_EQ(stats.missed, 0U);
    EXPECT_EQ(stats.reconnects, 0U);
}

TEST_F(FrameTest, IsTheFirstOfItsWriterOnce) {
    EXPECT_TRUE(next(*reader_).first_of_writer());
    EXPECT_FALSE(next(*reader_).first_of_writer());
    write_pattern(*writer_, bytes_spec(10));
    EXPECT_FALSE(reader_->read(in_time).first_of_writer()) << "after a layout change";
}

TEST_F(FrameTest, EmptyFrameTellsWhy) {
    EXPECT_EQ(reader_->read(0ns).status(), ReadStatus::Timeout);
    EXPECT_EQ(Frame(ReadStatus::Cancelled).status(), ReadStatus::Cancelled);
    EXPECT_EQ(next(*reader_).status(), ReadStatus::Frame);
}

TEST_F(FrameTest, TwoTagsDoNotMix) {
    Writer other_writer("cam1");
    Reader other_reader("cam1");
    for (std::uint64_t i = 0; i < 10; ++i) {
        write_pattern(*writer_, spec_);
        write_pattern(other_writer, bytes_spec(100 + i));
        EXPECT_TRUE(is_intact(reader_->read(in_time)));
        EXPECT_EQ(other_reader.read(in_time).spec().bytes, 100 + i);
    }
}

TEST_F(FrameTest, TagThatStartsWithAnotherTagIsItsOwn) {
    Writer longer("cam0.left");
    Reader longer_reader("cam0.left");
    write_pattern(longer, spec_);
    writer_.reset();
    EXPECT_TRUE(longer_reader.read(in_time));
    writer_.emplace(tag_);
    write_pattern(longer, spec_);
    EXPECT_EQ(longer_reader.read(in_time).number(), 2U);
}

TEST_F(FrameTest, SeveralReadersInOneProcessEachGetIt) {
    std::vector<Reader> readers;
    for (int i = 0; i < 10; ++i)
        readers.emplace_back(tag_);
    for (std::uint64_t number = 1; number <= 5; ++number) {
        write_pattern(*writer_, spec_);
        for (auto& reader : readers) {
            const Frame frame = reader.read(in_time);
            EXPECT_EQ(frame.number(), number);
            EXPECT_FALSE(frame.is_copy());
            EXPECT_TRUE(is_intact(frame));
        }
    }
}

TEST_F(FrameTest, MovedReaderReadsOn) {
    EXPECT_EQ(next(*reader_).number(), 1U);
    Reader moved = std::move(*reader_);
    EXPECT_EQ(next(moved).number(), 2U);
    EXPECT_EQ(moved.tag(), tag_);
}

TEST_F(FrameTest, MovedWriterWritesOn) {
    EXPECT_EQ(next(*reader_).number(), 1U);
    Writer moved = std::move(*writer_);
    writer_ = std::move(moved);
    EXPECT_EQ(next(*reader_).number(), 2U);
    EXPECT_EQ(writer_->tag(), tag_);
}

/// What the program has from malloc, however it came by it.
std::size_t heap_in_use() {
    const struct mallinfo2 heap = ::mallinfo2();
    return heap.uordblks + heap.hblkhd;
}

TEST_F(FrameTest, ThatAreCopiesLeaveLittleMemoryBehindAndNoneForLong) {
    constexpr std::size_t bytes = 1024 * 1024;
    Reader copying(tag_, with_leases(0));
    std::vector<Frame> burst;
    const auto read = [&] {
        write_pattern(*writer_, bytes_spec(bytes));
        burst.push_back(copying.read(in_time));
        ASSERT_TRUE(burst.back());
    };
    read();
    const std::size_t before = heap_in_use() - bytes;
    for (int i = 0; i < 7; ++i)
        read();
    burst.clear();
    EXPECT_LT(heap_in_use(), before + 3 * bytes) << "right after the burst";
    EXPECT_TRUE(wait_until([&] {
        EXPECT_EQ(copying.read(0ns).status(), ReadStatus::Timeout);
        return heap_in_use() < before + bytes;
    }));
    read();
    EXPECT_TRUE(is_intact(burst.back()));
}

}  // namespace
}  // namespace ndsharray::test
