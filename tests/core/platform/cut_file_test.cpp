// SPDX-License-Identifier: BSD-3-Clause
// Files made shorter while they are mapped, by someone who may: an error that names the file where the kernel
// would end the process, and a writer that goes on.
#include "core_test.hpp"
#include "limits.hpp"
#include "remote.hpp"

#include <support/background_call.hpp>

#include <atomic>
#include <fstream>
#include <memory>
#include <vector>

namespace ndsharray::test {
namespace {

class CutFile : public CoreTest {
  protected:
    void TearDown() override { directory_.clear(); }

    /// What a read says that must come to an end without a frame.
    static std::string failure_of(Reader& reader) {
        const Frame frame = reader.read(in_time);
        if (frame.status() != ReadStatus::Failed)
            return std::string(name(frame.status()));
        return std::string(name(reader.error().code())) + ": " + reader.error().what();
    }

    static ::testing::AssertionResult names(const std::string& failure, const Path& path) {
        if (failure.starts_with("Damaged") && contains(failure, path.string()))
            return ::testing::AssertionSuccess();
        return ::testing::AssertionFailure() << failure;
    }

    /// Reads until there is a frame: one that failed before may find the tag starting anew.
    static Frame next_frame(Reader& reader) {
        Frame frame;
        wait_until([&] { return static_cast<bool>(frame = reader.read(10ms)); });
        return frame;
    }

    /// Whether there is such a file, and it is not empty.
    static bool has_bytes(const Path& path) {
        std::error_code no_file;
        const std::uintmax_t bytes = std::filesystem::file_size(path, no_file);
        return !no_file && bytes > 0;
    }

    /// A frame of this many pages, so that a cut leaves some.
    const ArraySpec large_ = bytes_spec(16 * 4096);
};

// ---- readers

TEST_F(CutFile, LeavesTheReaderOfAFrameAliveAndTellsIt) {
    RemoteWriter writer(tag_);
    writer.write(1, large_.bytes);
    Reader reader(tag_);
    const Frame frame = reader.read(in_time);
    ASSERT_TRUE(frame);
    std::filesystem::resize_file(segment_file(), 0);
    EXPECT_EQ(sum_of(frame), 0U);
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Failed);
    writer.kill();
}

TEST_F(CutFile, FailsTheReaderNamingTheSegment) {
    RemoteWriter writer(tag_);
    writer.write(1, large_.bytes);
    Reader reader(tag_);
    ASSERT_TRUE(reader.read(in_time));
    const Path segment = segment_file();
    std::filesystem::resize_file(segment, 0);
    EXPECT_TRUE(names(failure_of(reader), segment));
    EXPECT_TRUE(names(failure_of(reader), segment));  // and again, not a crash
    writer.kill();
}

TEST_F(CutFile, FailsTheReaderWhereOnlyTheLastPageOfAFrameIsMissing) {
    RemoteWriter writer(tag_, {.slots = 3});  // the first has the frame
    writer.write(1, large_.bytes);
    Reader reader(tag_);
    ASSERT_TRUE(reader.read(in_time));
    const Path segment = segment_file();
    std::filesystem::resize_file(segment, std::filesystem::file_size(segment) - 2 * large_.bytes - 1 - 4096);
    EXPECT_TRUE(names(failure_of(reader), segment));
    writer.kill();
}

TEST_F(CutFile, IsNotHandedOutAsACopy) {
    RemoteWriter writer(tag_, {.slots = 3});
    writer.write(1, large_.bytes);
    Reader reader(tag_, with_leases(0));
    ASSERT_TRUE(reader.read(in_time).is_copy());
    writer.write(1, large_.bytes);
    // The header and the first slot stay; the newest frame is in another.
    const Path segment = segment_file();
    std::filesystem::resize_file(segment, std::filesystem::file_size(segment) - 2 * large_.bytes);
    EXPECT_TRUE(names(failure_of(reader), segment));
    writer.kill();
}

TEST_F(CutFile, FailsAWaitingReaderNamingTheControlFile) {
    for (const std::uintmax_t left : {0, 64}) {
        RemoteWriter writer(tag_);
        Reader reader(tag_);
        ASSERT_TRUE(attach(reader));
        BackgroundCall<std::string> waiting([&] { return failure_of(reader); }, [&] { reader.cancel(); });
        ASSERT_TRUE(waiting.blocks());
        std::filesystem::resize_file(file(), left);
        EXPECT_TRUE(names(waiting.result(), file())) << left;
        writer.kill();
        directory_.clear();
    }
}

TEST_F(CutFile, FailsTheReaderNamingTheTable) {
    RemoteWriter writer(tag_);
    writer.write();
    Reader reader(tag_);
    ASSERT_TRUE(reader.read(in_time));
    std::filesystem::resize_file(file(".readers"), 0);
    EXPECT_TRUE(names(failure_of(reader), file(".readers")));
    writer.kill();
}

TEST_F(CutFile, FailsOneOfManyReaders) {
    constexpr std::size_t many = 100;  // mappings for more than one piece of the list
    RemoteWriter writer(tag_);
    writer.write(1, large_.bytes);
    std::vector<std::unique_ptr<Reader>> readers;
    for (std::size_t i = 0; i < many; ++i) {
        readers.push_back(std::make_unique<Reader>(tag_));
        ASSERT_TRUE(readers.back()->read(in_time));
    }
    const Path segment = segment_file();
    std::filesystem::resize_file(segment, 0);
    for (const auto& reader : readers)
        EXPECT_TRUE(names(failure_of(*reader), segment));
    writer.kill();
}

// ---- writers

TEST_F(CutFile, MakesTheWriterStartAnew) {
    for (const std::string suffix : {".readers", ""}) {
        Writer writer(tag_);
        Reader reader(tag_);
        write_pattern(writer, large_);
        ASSERT_TRUE(is_intact(reader.read(in_time)));
        std::filesystem::resize_file(file(suffix), 0);
        ASSERT_TRUE(starts_anew(writer, large_)) << suffix;
        ASSERT_TRUE(wait_until([&] { return reader.read(0ns) || reader.attached(); }));
        const std::uint64_t number = write_pattern(writer, large_);
        EXPECT_GT(number, 1U);
        const Frame frame = next_frame(reader);
        EXPECT_TRUE(is_intact(frame)) << suffix;
        EXPECT_EQ(writer.stats().generation, 2U) << "it started anew once";
    }
}

TEST_F(CutFile, MakesTheWriterOfACutSegmentStartAnew) {
    Writer writer(tag_);
    write_pattern(writer, large_);
    std::filesystem::resize_file(segment_file(), 4096);
    const std::string before = writer.segment_name();
    ASSERT_TRUE(starts_anew(writer, large_));
    EXPECT_NE(writer.segment_name(), before);
    Reader reader(tag_);
    EXPECT_TRUE(is_intact(reader.read(in_time)));
    writer.close();
    EXPECT_EQ(directory_.entries(), std::vector<std::string>{});
}

TEST_F(CutFile, UnderAFrameThatIsBeingWrittenDoesNotEndTheWriter) {
    Writer writer(tag_);
    writer.configure(large_);
    WritableFrame frame = writer.acquire();
    ASSERT_TRUE(frame);
    std::filesystem::resize_file(segment_file(), 0);
    fill_pattern({frame.data(), static_cast<std::size_t>(large_.bytes)}, 7);
    EXPECT_EQ(writer.publish(std::move(frame)), 0U);
    EXPECT_TRUE(writer.acquire());
    EXPECT_EQ(writer.stats().generation, 2U);
}

TEST_F(CutFile, UnderAPinnedFrameDoesNotEndTheWriter) {
    Writer writer(tag_);
    writer.configure(large_);
    WritableFrame pinned = writer.acquire_pinned(in_time);
    ASSERT_TRUE(pinned);
    std::filesystem::resize_file(segment_file(), 0);
    fill_pattern({pinned.data(), static_cast<std::size_t>(large_.bytes)}, 7);
    EXPECT_EQ(writer.publish_pinned(pinned), 0U);
    EXPECT_FALSE(writer.acquire_pinned());
    EXPECT_NE(write_pattern(writer, large_), 0U);
    EXPECT_TRUE(writer.acquire_pinned(in_time));
    pinned.release();
}

TEST_F(CutFile, FreesAWriterThatWaitsForItsReaders) {
    Writer writer(tag_, {.slots = 3, .backpressure = true});
    Reader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader));
    while (write_pattern(writer, spec_, 0ns) != 0) {
    }
    BackgroundCall<bool> waiting([&] { return static_cast<bool>(writer.acquire()); },
                                 [&] { writer.cancel(); });
    ASSERT_TRUE(waiting.blocks());
    std::filesystem::resize_file(file(".readers"), 0);
    EXPECT_TRUE(waiting.result());
    EXPECT_EQ(writer.stats().generation, 2U);
}

TEST_F(CutFile, FreesAWriterThatDrains) {
    Writer writer(tag_, {.slots = 3, .backpressure = true});
    Reader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader));
    write_pattern(writer, spec_);
    BackgroundCall<WriteStatus> draining([&] { return writer.drain(); }, [&] { writer.cancel(); });
    ASSERT_TRUE(draining.blocks());
    std::filesystem::resize_file(file(".readers"), 0);
    EXPECT_EQ(draining.result(), WriteStatus::Ok);
}

TEST_F(CutFile, DoesNotKeepReadersFromAWriterThatAwaitsOne) {
    Writer writer(tag_);
    BackgroundCall<WriteStatus> waiting([&] { return writer.wait_for_reader(); }, [&] { writer.cancel(); });
    ASSERT_TRUE(waiting.blocks());
    std::filesystem::resize_file(file(".readers"), 0);
    ASSERT_TRUE(wait_until([&] { return has_bytes(file(".readers")); }));
    RemoteReader reader(tag_);
    ASSERT_TRUE(attach(reader, writer));
    EXPECT_EQ(waiting.result(), WriteStatus::Ok);
}

TEST_F(CutFile, MakesTheNumberOfReadersKnownAnew) {
    Writer writer(tag_);
    std::atomic<unsigned> readers = 99;
    writer.on_reader_change([&](const ReaderChange& change) { readers = change.readers; });
    RemoteReader reader(tag_);
    ASSERT_TRUE(attach(reader, writer));
    ASSERT_TRUE(wait_until([&] { return readers == 1; }));
    std::filesystem::resize_file(file(".readers"), 0);
    ASSERT_TRUE(wait_until([&] { return write_pattern(writer, spec_) && readers == 0; }));
}

TEST_F(CutFile, WithoutRoomForAnotherClosesTheWriterWithAnError) {
    Writer writer(tag_);
    write_pattern(writer, spec_);
    std::filesystem::resize_file(file(".readers"), 0);
    const Path away = directory_.path().string() + "-away";
    std::filesystem::rename(directory_.path(), away);
    ASSERT_TRUE(wait_until([&] {
        const WritableFrame frame = writer.acquire(in_time);
        return !frame && frame.status() == WriteStatus::Closed;
    }));
    EXPECT_EQ(writer.error().code(), ErrorCode::System) << writer.error().what();
    EXPECT_TRUE(contains(writer.error().what(), directory_.path().string())) << writer.error().what();
    EXPECT_EQ(error_of([&] { writer.configure(large_); }).what(), std::string(writer.error().what()));
    std::filesystem::rename(away, directory_.path());
}

/// How many mappings of files in the folder this process has.
std::size_t mappings_in(const Path& directory) {
    std::ifstream maps("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);)
        count += contains(line, directory.string()) ? 1 : 0;
    return count;
}

TEST_F(CutFile, AgainAndAgainCostsNeitherMemoryNorFiles) {
    Writer writer(tag_);
    Reader reader(tag_);
    std::size_t mappings = 0;
    std::size_t files = 0;
    for (int i = 0; i < 50; ++i) {
        const std::string suffix = i % 2 == 0 ? ".readers" : "";
        std::filesystem::resize_file(file(suffix), 0);
        ASSERT_TRUE(starts_anew(writer, large_));
        ASSERT_TRUE(is_intact(next_frame(reader)));
        if (i == 10) {
            mappings = mappings_in(directory_.path());
            files = open_files();
        }
    }
    EXPECT_LE(mappings_in(directory_.path()), mappings);
    EXPECT_LE(open_files(), files);
}

}  // namespace
}  // namespace ndsharray::test
