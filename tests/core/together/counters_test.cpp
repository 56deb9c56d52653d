// SPDX-License-Identifier: BSD-3-Clause
// Counters of the shared files near their ends: they wrap, or a new file starts, and frames go on.
#include "core_test.hpp"
#include "remote.hpp"

#include <support/background_call.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <limits>

namespace ndsharray::test {
namespace {

// Offsets from core/PROTOCOL.md.
constexpr off_t wake_offset = 64;
constexpr off_t epoch_offset = 72;
constexpr off_t published_offset = 96;
constexpr off_t last_generation_offset = 104;
constexpr off_t released_offset = 128;  // in the reader table
constexpr off_t cursor_offset = 200;    // there, of the first reader

constexpr std::uint32_t last_of_32_bits = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t frame_limit = std::uint64_t{1} << 56;

template <typename Number>
void store(const std::filesystem::path& path, off_t offset, Number value) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    EXPECT_EQ(::pwrite(file, &value, sizeof value, offset), static_cast<ssize_t>(sizeof value)) << path;
    ::close(file);
}

template <typename Number>
Number load(const std::filesystem::path& path, off_t offset) {
    Number value{};
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    EXPECT_EQ(::pread(file, &value, sizeof value, offset), static_cast<ssize_t>(sizeof value)) << path;
    ::close(file);
    return value;
}

bool is_whole_frame(const Frame& frame) {
    return frame && is_intact(frame);
}

class Counters : public CoreTest {
  protected:
    /// Leaves the files of a writer that was killed after its first frame.
    void leave_files_of_a_dead_writer() {
        RemoteWriter dead(tag_);
        dead.write();
        dead.kill();
    }

    std::filesystem::path table() const { return file(".readers"); }

    /// Passes frames to a reader that sleeps when each is written.
    void expect_frames_wake(Writer& writer, Reader& reader, int count) {
        for (int i = 0; i < count; ++i) {
            BackgroundCall<Frame> reading([&] { return reader.read(in_time); });
            ASSERT_TRUE(reading.blocks());
            ASSERT_NE(write_pattern(writer, spec_), 0U);
            ASSERT_TRUE(is_whole_frame(reading.result())) << i;
        }
    }
};

TEST_F(Counters, FutexWordForReadersWraps) {
    leave_files_of_a_dead_writer();
    store(file(), wake_offset, last_of_32_bits - 8);
    Writer writer(tag_);
    Reader reader(tag_);
    ASSERT_TRUE(attach(reader));
    expect_frames_wake(writer, reader, 16);
    EXPECT_LT(load<std::uint32_t>(file(), wake_offset), 100U) << "it was to wrap";
}

TEST_F(Counters, FutexWordForTheWriterWraps) {
    leave_files_of_a_dead_writer();
    store(table(), released_offset, last_of_32_bits - 8);
    Writer writer(tag_, {.slots = 3, .backpressure = true});
    Reader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader));
    std::uint64_t next = 0;
    for (int round = 0; round < 16; ++round) {
        while (write_pattern(writer, spec_, 0ns) != 0) {
        }
        BackgroundCall<std::uint64_t> writing([&] { return write_pattern(writer, spec_); });
        ASSERT_TRUE(writing.blocks());
        for (Frame frame = reader.read(in_time); frame; frame = reader.read(0ns)) {
            ASSERT_TRUE(is_whole_frame(frame));
            ASSERT_TRUE(next == 0 || frame.number() == next) << frame.number();
            next = frame.number() + 1;
        }
        ASSERT_NE(writing.result(), 0U);
    }
    EXPECT_LT(load<std::uint32_t>(table(), released_offset), 1000U) << "it was to wrap";
}

TEST_F(Counters, EpochWrapsAndAttachedReadersFollow) {
    leave_files_of_a_dead_writer();
    store(file(), epoch_offset, last_of_32_bits - 1);
    Reader reader(tag_);
    EXPECT_EQ(reader.read(0ns).status(), ReadStatus::Timeout);
    for (int life = 0; life < 4; ++life) {
        RemoteWriter writer(tag_);
        writer.write();
        const Frame frame = reader.read(in_time);
        ASSERT_TRUE(is_whole_frame(frame)) << life;
        EXPECT_TRUE(frame.first_of_writer());
        writer.kill();
        EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Disconnected);
    }
    EXPECT_EQ(load<std::uint32_t>(file(), epoch_offset), 2U) << "it was to wrap";
    Writer clean(tag_);
}

TEST_F(Counters, GenerationLeavesOutZeroWhenItWraps) {
    for (const ReadMode mode : {ReadMode::Latest, ReadMode::Every}) {
        leave_files_of_a_dead_writer();
        store(file(), last_generation_offset, last_of_32_bits - 2);
        Writer writer(tag_, {.backpressure = true});
        Reader reader(tag_, reading(mode));
        ASSERT_TRUE(attach(reader));
        std::vector<Frame> held;
        for (const std::uint32_t generation : {last_of_32_bits - 1, last_of_32_bits, 1U, 2U, 3U}) {
            ASSERT_NE(write_pattern(writer, bytes_spec(generation % 1000 + 1)), 0U);
            held.push_back(reader.read(in_time));
            ASSERT_TRUE(is_whole_frame(held.back())) << generation;
            EXPECT_EQ(held.back().generation(), generation);
        }
        for (const Frame& frame : held)
            EXPECT_TRUE(is_whole_frame(frame)) << frame.generation();
    }
}

TEST_F(Counters, GenerationGoesOnAtATakeOverAfterItWrapped) {
    leave_files_of_a_dead_writer();
    store(file(), last_generation_offset, last_of_32_bits);
    RemoteWriter first(tag_);
    first.write();
    first.kill();
    Writer second(tag_);
    write_pattern(second, spec_);
    EXPECT_EQ(second.stats().generation, 2U);
}

TEST_F(Counters, FrameNumbersGoOnUpToHalfTheirRange) {
    leave_files_of_a_dead_writer();
    store(file(), published_offset, frame_limit / 2 - 1);
    Writer writer(tag_, {.backpressure = true});
    Reader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader));
    for (std::uint64_t number = frame_limit / 2; number < frame_limit / 2 + 20; ++number) {
        ASSERT_EQ(write_pattern(writer, spec_), number);
        const Frame frame = reader.read(in_time);
        ASSERT_EQ(frame.number(), number);
        EXPECT_EQ(frame.missed(), 0U);
        EXPECT_TRUE(is_whole_frame(frame));
    }
}

class UsedUpFrameNumbers : public Counters, public ::testing::WithParamInterface<std::uint64_t> {};

INSTANTIATE_TEST_SUITE_P(At, UsedUpFrameNumbers,
                         ::testing::Values(frame_limit / 2, frame_limit - 1, frame_limit,
                                           std::uint64_t{1} << 63, ~std::uint64_t{0}),
                         [](const auto& info) { return "No" + std::to_string(info.param); });

TEST_P(UsedUpFrameNumbers, StartAgainInANewFileThatReadersMoveTo) {
    Reader attached(tag_), in_sequence(tag_, in_order());
    {
        RemoteWriter dead(tag_);
        dead.write();
        ASSERT_TRUE(attached.read(in_time));
        ASSERT_TRUE(in_sequence.read(in_time));
        dead.kill();
    }
    store(file(), published_offset, GetParam());
    Writer writer(tag_, {.backpressure = true});
    Reader new_one(tag_);
    ASSERT_TRUE(attach(new_one));
    for (Reader* reader : {&attached, &in_sequence}) {
        EXPECT_EQ(reader->read(in_time).status(), ReadStatus::Disconnected);
        ASSERT_TRUE(attach(*reader));
    }
    for (std::uint64_t number = 1; number <= 20; ++number) {
        ASSERT_EQ(write_pattern(writer, spec_), number);
        for (Reader* reader : {&attached, &in_sequence, &new_one}) {
            const Frame frame = reader->read(in_time);
            ASSERT_EQ(frame.number(), number);
            EXPECT_TRUE(is_whole_frame(frame));
        }
    }
}

TEST_F(Counters, ImpossibleFrameNumberFailsTheReaderNamingTheFile) {
    RemoteWriter writer(tag_);
    writer.write();
    for (const std::uint64_t number : {frame_limit, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        store(file(), published_offset, number);
        Reader reader(tag_, in_order());
        EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Failed) << number;
        EXPECT_EQ(reader.error().code(), ErrorCode::Damaged);
        EXPECT_TRUE(contains(reader.error().what(), file().string())) << reader.error().what();
    }
    store(file(), published_offset, std::uint64_t{1});
    Reader reader(tag_);
    EXPECT_TRUE(is_whole_frame(reader.read(in_time))) << "the file is as it was";
    writer.close();
}

TEST_F(Counters, ImpossibleCursorOfAReaderHoldsNobody) {
    Writer writer(tag_, {.slots = 3, .backpressure = true});
    Reader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader));
    store(table(), cursor_offset, ~std::uint64_t{0});
    for (int i = 0; i < 20; ++i)
        ASSERT_NE(write_pattern(writer, spec_), 0U);
    EXPECT_EQ(writer.drain(in_time), WriteStatus::Ok);
    const Frame frame = reader.read(in_time);
    EXPECT_TRUE(is_whole_frame(frame));
    EXPECT_GT(frame.missed(), 0U);
}

}  // namespace
}  // namespace ndsharray::test
