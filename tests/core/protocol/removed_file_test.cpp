// SPDX-License-Identifier: BSD-3-Clause
// Files removed under a living writer, as rm does, or systemd-logind when a user logs out: readers find the
// tag again, and whoever took it meanwhile keeps it.
#include "core_test.hpp"
#include "remote.hpp"

#include <support/background_call.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ndsharray::test {
namespace {

class RemovedFile : public CoreTest {
  protected:
    void TearDown() override { directory_.clear(); }

    /// The newest frame, however often the reader is told of a disconnect before.
    static Frame next_frame(Reader& reader) {
        Frame frame;
        wait_until([&] { return static_cast<bool>(frame = reader.read(10ms)); });
        return frame;
    }

    /// After all were removed, without a frame in them.
    bool has_new_files(Writer& writer) {
        return wait_until([&] {
            static_cast<void>(writer.acquire(0ns));
            return directory_.entries().size() == 3;
        });
    }
};

TEST_F(RemovedFile, MakesTheWriterStartAnewForReadersOldAndNew) {
    const std::vector<std::vector<std::string>> cases{{""}, {".readers"}, {"", ".readers"}};
    for (const auto& suffixes : cases) {
        Writer writer(tag_);
        RemoteReader old_one(tag_);
        ASSERT_NE(write_pattern(writer, spec_), 0U);
        ASSERT_TRUE(old_one.read());
        for (const std::string& suffix : suffixes)
            std::filesystem::remove(file(suffix));
        ASSERT_TRUE(starts_anew(writer, spec_));
        EXPECT_EQ(directory_.entries().size(), 3U);
        const std::uint64_t number = writer.stats().published;
        Reader new_one(tag_);
        const Frame frame = next_frame(new_one);
        EXPECT_TRUE(is_intact(frame));
        EXPECT_EQ(frame.number(), number) << "numbers go on";
        EXPECT_TRUE(wait_until([&] { return old_one.read(10ms).number == number; }));
        EXPECT_EQ(writer.stats().generation, 2U) << "it started anew once";
        writer.close();
        EXPECT_EQ(directory_.entries(), std::vector<std::string>{});
    }
}

TEST_F(RemovedFile, OrMovedAwayIsTheSame) {
    Writer writer(tag_);
    ASSERT_NE(write_pattern(writer, spec_), 0U);
    std::filesystem::rename(file(), directory_.path() / "away");
    ASSERT_TRUE(starts_anew(writer, spec_));
    Reader reader(tag_);
    EXPECT_TRUE(is_intact(next_frame(reader)));
}

TEST_F(RemovedFile, DoesNotKeepReadersFromAWriterThatAwaitsOne) {
    Writer writer(tag_);
    BackgroundCall<WriteStatus> waiting([&] { return writer.wait_for_reader(); }, [&] { writer.cancel(); });
    ASSERT_TRUE(waiting.blocks());
    std::filesystem::remove(file());
    ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(file()); }));
    RemoteReader reader(tag_);
    ASSERT_TRUE(attach(reader, writer));
    EXPECT_EQ(waiting.result(), WriteStatus::Ok);
}

TEST_F(RemovedFile, CostsAReaderOfEveryFrameNoneThatWasPublishedBefore) {
    Writer writer(tag_, {.backpressure = true});
    Reader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader));
    ASSERT_NE(write_pattern(writer, spec_), 0U);
    ASSERT_NE(write_pattern(writer, spec_), 0U);
    std::filesystem::remove(file());
    std::filesystem::remove(file(".readers"));
    BackgroundCall<bool> writing([&] { return static_cast<bool>(starts_anew(writer, spec_)); },
                                 [&] { writer.cancel(); });
    std::uint64_t next = 1;
    for (Frame frame; (frame = reader.read(in_time)); ++next) {
        EXPECT_EQ(frame.number(), next);
        EXPECT_TRUE(is_intact(frame));
    }
    const Frame first = reader.read(in_time);  // in the new files
    EXPECT_EQ(first.number(), next);
    EXPECT_TRUE(is_intact(first));
    ASSERT_TRUE(writing.result());
    EXPECT_EQ(next, writer.stats().published);
}

TEST_F(RemovedFile, GivesReadersOfEveryFrameTimeToComeBack) {
    Writer writer(tag_, {.backpressure = true});
    Reader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader));
    ASSERT_NE(write_pattern(writer, spec_), 0U);
    ASSERT_TRUE(reader.read(in_time));
    for (int removed = 0; removed < 3; ++removed) {
        directory_.clear();
        ASSERT_TRUE(has_new_files(writer));  // and loses them once more before the reader has come
    }
    // More than the reader would find if it came after them.
    BackgroundCall<bool> writing(
        [&] {
            bool all = true;
            for (int i = 0; i < 20; ++i)
                all = all && write_pattern(writer, spec_) != 0;
            return all;
        },
        [&] { writer.cancel(); });
    for (std::uint64_t number = 2; number <= 21; ++number) {
        Frame frame = reader.read(in_time);
        if (frame.status() == ReadStatus::Disconnected)
            frame = reader.read(in_time);
        ASSERT_EQ(frame.number(), number);
        EXPECT_TRUE(is_intact(frame));
    }
    EXPECT_TRUE(writing.result());
}

TEST_F(RemovedFile, DoesNotHoldAWriterForReadersThatDoNotComeBack) {
    Writer writer(tag_, {.backpressure = true});
    RemoteReader reader(tag_, {.mode = ReadMode::Every});
    ASSERT_TRUE(attach(reader, writer));
    ASSERT_NE(write_pattern(writer, spec_), 0U);
    ASSERT_TRUE(reader.read());
    directory_.clear();
    ASSERT_TRUE(has_new_files(writer));
    for (int i = 0; i < 20; ++i)
        EXPECT_NE(write_pattern(writer, spec_), 0U);
}

TEST_F(RemovedFile, LeavesTheTagToAWriterThatTookItMeanwhile) {
    Writer writer(tag_);
    ASSERT_NE(write_pattern(writer, spec_), 0U);
    directory_.clear();
    RemoteWriter second(tag_);
    EXPECT_TRUE(wait_until([&] { return write_pattern(writer, spec_) == 0; }));
    EXPECT_EQ(writer.error().code(), ErrorCode::TagInUse) << writer.error().what();
    second.write();
    Reader reader(tag_);
    EXPECT_TRUE(is_intact(next_frame(reader)));
    second.close();
}

TEST_F(RemovedFile, LetsTheOldWriterCloseWithoutTakingTheNewOnesFiles) {
    std::optional<Writer> writer(tag_);
    ASSERT_NE(write_pattern(*writer, spec_), 0U);
    directory_.clear();
    RemoteWriter second(tag_);
    second.write();
    const std::vector<std::string> its = directory_.entries();
    ASSERT_EQ(its.size(), 3U);
    writer.reset();
    EXPECT_EQ(directory_.entries(), its);
    Reader reader(tag_);
    EXPECT_TRUE(is_intact(next_frame(reader)));
    second.close();
}

}  // namespace
}  // namespace ndsharray::test
