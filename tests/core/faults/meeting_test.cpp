// SPDX-License-Identifier: BSD-3-Clause
// Writers, and readers, that come between two steps of a writer, where no test comes by chance.
#include "faults.hpp"

#include "../core_test.hpp"
#include "../remote.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

namespace ndsharray::test {
namespace {

class Meeting : public CoreTest {};

TEST_F(Meeting, OfTwoWritersLeavesTheTagToWhoseFileHasTheName) {
    RemoteWriter dead(tag_);
    dead.kill();
    std::optional<RemoteWriter> other;
    // The lock is on a file that has lost its name by now, to one with a lock of its own.
    when_reached(fault::Point::DeadControlLocked, [&] {
        std::filesystem::remove(file());
        other.emplace(tag_);
        other->write();
    });
    EXPECT_EQ(error_of([&] { Writer writer(tag_); }).code(), ErrorCode::TagInUse);
    ASSERT_TRUE(other);
    EXPECT_EQ(directory_.entries().size(), 3U) << "files of the other are gone";
    Reader reader(tag_);
    EXPECT_TRUE(is_intact(reader.read(in_time)));
    other->close();
}

// Those who may read the control file could lock it before the writer does.
TEST_F(Meeting, WithAControlFileIsForOthersOnlyOnceItIsLocked) {
    std::filesystem::perms seen = std::filesystem::perms::unknown;
    when_reached(fault::Point::ControlReserved, [&] {
        for (const auto& name : directory_.entries())
            seen = std::filesystem::status(directory_.path() / name).permissions();
    });
    Writer writer(tag_, {.permissions = 0644});
    EXPECT_EQ(static_cast<unsigned>(seen), 0600U);
    EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(file()).permissions()), 0644U);
}

TEST_F(Meeting, WithWhoLocksTheHalfMadeControlFileMakesForAnother) {
    int locked = -1;
    when_reached(fault::Point::ControlReserved, [&] {
        for (const auto& name : directory_.entries())
            locked = ::open((directory_.path() / name).c_str(), O_RDONLY | O_CLOEXEC);
        struct flock all {};
        all.l_type = F_RDLCK;
        all.l_whence = SEEK_SET;
        ASSERT_EQ(::fcntl(locked, F_OFD_SETLK, &all), 0);
    });
    Writer writer(tag_);
    EXPECT_EQ(error_of([&] { Writer second(tag_); }).code(), ErrorCode::TagInUse);
    EXPECT_NE(write_pattern(writer, spec_), 0U);
    Reader reader(tag_);
    EXPECT_TRUE(is_intact(reader.read(in_time)));
    ::close(locked);
}

TEST_F(Meeting, OfAReaderWithANewLayoutKeepsItsFrameOfTheOldOne) {
    Writer writer(tag_);
    Reader reader(tag_);
    ASSERT_NE(write_pattern(writer, bytes_spec(9000)), 0U);
    const Frame held = reader.read(in_time);
    ASSERT_TRUE(held && !held.is_copy());
    ASSERT_NE(write_pattern(writer, bytes_spec(9000)), 0U);
    Frame next(ReadStatus::Timeout);
    // With the first look at the new segment, what the reader held of the old one is forgotten.
    when_reached(fault::Point::GenerationStored, [&] { next = reader.read(in_time); });
    ASSERT_NE(write_pattern(writer, spec_), 0U);
    EXPECT_EQ(next.number(), 3U);
    EXPECT_TRUE(is_intact(held));
}

// The old segment has holes by the time the reader looks at it, but no name any more.
TEST_F(Meeting, OfAReaderWithALayoutThatIsJustLeftBringsTheNextOne) {
    Writer writer(tag_, {.permissions = 0644});
    ASSERT_NE(write_pattern(writer, bytes_spec(9000)), 0U);
    Reader reader(tag_);
    when_reached(fault::Point::SegmentFileOpened, [&] { ASSERT_NE(write_pattern(writer, spec_), 0U); });
    const Frame frame = reader.read(in_time);
    EXPECT_EQ(frame.number(), 2U) << reader.error().what();
    EXPECT_TRUE(is_intact(frame));
}

}  // namespace
}  // namespace ndsharray::test
