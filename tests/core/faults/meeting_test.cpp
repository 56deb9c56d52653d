// SPDX-License-Identifier: BSD-3-Clause
// Writers, and readers, that come between two steps of a writer, where no test comes by chance.
#include "faults.hpp"

#include "core_test.hpp"
#include "full_table.hpp"
#include "limits.hpp"
#include "remote.hpp"
#include "scenes.hpp"

#include <support/process_state.hpp>
#include <support/small_file_system.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace ndsharray::test {
namespace {

/// From now on there is no room for a page.
void fill_file_system() {
    const std::filesystem::path path = std::filesystem::path(directory()) / "filling";
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const auto free = static_cast<off_t>(std::filesystem::space(path).available);
    EXPECT_EQ(::posix_fallocate(file, 0, free), 0);
    ::close(file);
    EXPECT_EQ(std::filesystem::space(path).available, 0U);
}

/// What a reader gets: which frame, and whether it is damaged, or why there is none.
std::string next_frame(Reader& reader) {
    const Frame frame = reader.read(patience);
    if (!frame)
        return reader.error().what();
    return "frame " + std::to_string(frame.number()) + (is_intact(frame) ? "" : ", damaged");
}

/// A reader that is at this step when the writer goes on to another layout, after which memory is full.
std::string left_at(fault::Point step, const std::string& tag) {
    if (!mount_small_file_system(2 * mebibyte))
        return "not permitted";
    Writer writer(tag, {.slots = 3, .permissions = 0644});
    write_pattern(writer, bytes_spec(64 * 1024));
    const FullTable full(std::filesystem::path(directory()) / ("ndsh." + tag + ".readers"));
    Reader reader(tag);
    when_reached(step, [&] {
        write_pattern(writer, bytes_spec(64 * 1024));
        write_pattern(writer, bytes_spec(4096));
        fill_file_system();
    });
    return next_frame(reader);
}

}  // namespace

const RegisteredScenes scenes({
    {"mount",
     [](const std::string&) -> std::string {
         return mount_small_file_system(mebibyte) ? "mounted" : "not permitted";
     }},
    {"left_while_it_copies", [](const std::string& tag) { return left_at(fault::Point::CopyStarted, tag); }},
    {"left_while_it_maps", [](const std::string& tag) { return left_at(fault::Point::SegmentMapped, tag); }},
    {"left_before_it_waits",
     [](const std::string& tag) -> std::string {
         if (!mount_small_file_system(2 * mebibyte))
             return "not permitted";
         Writer writer(tag, {.slots = 3});
         write_pattern(writer, bytes_spec(64 * 1024));
         Reader reader(tag);
         const Frame held = reader.read(patience);
         when_reached(fault::Point::FramesSought, [&] {
             // Three slots, of which one is held and one the newest.
             write_pattern(writer, bytes_spec(64 * 1024));
             write_pattern(writer, bytes_spec(4096));
             fill_file_system();
         });
         return next_frame(reader) + (is_intact(held) ? "" : ", and what was held is damaged");
     }},
});

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

// The first frame after it starts a new stream, which has not ended.
TEST_F(Meeting, WithTheFirstFrameAfterTheEndIsNotToldTheEndAgain) {
    Writer writer(tag_);
    Reader reader(tag_);
    write_pattern(writer, spec_);
    ASSERT_TRUE(reader.read(in_time));
    const std::pair<ArraySpec, fault::Point> frames[] = {
        {spec_, fault::Point::LatestStored},
        {bytes_spec(6000), fault::Point::GenerationStored},  // in a new layout
    };
    for (const auto& [spec, visible] : frames) {
        SCOPED_TRACE(spec.to_string());
        writer.end_of_stream();
        ASSERT_EQ(reader.read(in_time).status(), ReadStatus::EndOfStream);
        std::vector<ReadStatus> told;
        const auto read_on = [&] {
            do {
                told.push_back(reader.read(0ns).status());
            } while (told.back() != ReadStatus::Timeout);
        };
        when_reached(visible, read_on);
        write_pattern(writer, spec);
        EXPECT_EQ(told, (std::vector{ReadStatus::Frame, ReadStatus::Timeout}));
        read_on();
        EXPECT_EQ(told.size(), 3U) << "something came after the frame";
    }
}

// Who removes what a dead writer left takes the tag for that long, but is no writer.
TEST_F(Meeting, OfAReaderWithARemoverIsNoneWithAWriter) {
    RemoteWriter dead(tag_);
    dead.write();
    Reader old_one(tag_);
    ASSERT_TRUE(old_one.read(in_time));
    dead.kill();
    ASSERT_EQ(old_one.read(in_time).status(), ReadStatus::Disconnected);
    Reader new_one(tag_);
    for (const fault::Point step : {fault::Point::EpochBumped, fault::Point::ControlLinked}) {
        bool met = false;
        when_reached(step, [&] {
            met = true;
            for (Reader* reader : {&old_one, &new_one}) {
                EXPECT_EQ(reader->read(0ns).status(), ReadStatus::Timeout) << name(step);
                EXPECT_FALSE(reader->attached()) << name(step);
            }
        });
        EXPECT_FALSE(remove_leftovers(tag_).files.empty());
        EXPECT_TRUE(met) << name(step);
        for (Reader* reader : {&old_one, &new_one})
            EXPECT_EQ(reader->read(0ns).status(), ReadStatus::Timeout) << name(step);
        EXPECT_EQ(process_state().tag_mappings, 0U) << "memory that nobody gets back, at " << name(step);
        // The next one has a segment to remove, and no control file.
        std::ofstream(directory_.path() / ("ndsh." + tag_ + ".0123456789abcdef0123456789abcdef")) << "left";
    }
    Writer next(tag_);
    ASSERT_NE(write_pattern(next, spec_), 0U);
    for (Reader* reader : {&old_one, &new_one})
        EXPECT_TRUE(is_intact(reader->read(in_time)));
    EXPECT_EQ(old_one.stats().reconnects, 1U);
    EXPECT_EQ(new_one.stats().reconnects, 0U);
    directory_.clear();
}

TEST_F(Meeting, OfAReaderWithAWriterThatCameAndWentIsToldOnce) {
    for (const bool ends : {true, false}) {
        RemoteWriter dead(tag_);
        dead.write();
        Reader reader(tag_);
        ASSERT_TRUE(reader.read(in_time));
        dead.kill();
        ASSERT_EQ(reader.read(in_time).status(), ReadStatus::Disconnected);
        Writer writer(reader.tag());
        ASSERT_NE(write_pattern(writer, spec_), 0U);
        if (ends)
            writer.end_of_stream();
        writer.close();
        if (ends) {
            EXPECT_EQ(reader.read(in_time).status(), ReadStatus::EndOfStream);
        }
        EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Disconnected);
        EXPECT_EQ(reader.read(0ns).status(), ReadStatus::Timeout);
    }
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
    ASSERT_TRUE(next) << reader.error().what();
    EXPECT_EQ(next.number(), 3U);
    EXPECT_TRUE(is_intact(held));
}

// The old segment has lost its name and most of its memory by the time the reader looks at it.
TEST_F(Meeting, OfAReaderWithALayoutThatIsJustLeftBringsItsNewestFrameAndTheNextOne) {
    Writer writer(tag_, {.permissions = 0644});
    ASSERT_NE(write_pattern(writer, bytes_spec(9000)), 0U);
    Reader reader(tag_);
    when_reached(fault::Point::SegmentFileOpened, [&] { ASSERT_NE(write_pattern(writer, spec_), 0U); });
    for (const std::uint64_t number : {1, 2}) {
        const Frame frame = reader.read(in_time);
        ASSERT_TRUE(frame) << reader.error().what();
        EXPECT_EQ(frame.number(), number);
        EXPECT_TRUE(is_intact(frame));
    }
}

// With the memory of an old layout given back and no other to be had, a look at it is answered with SIGBUS.
class MeetingInFullMemory : public Meeting {
  protected:
    void SetUp() override {
        if (outcome_of("mount", tag_).said != "mounted")
            GTEST_SKIP() << "it takes root to mount a small file system";
    }
};

TEST_F(MeetingInFullMemory, OfACopyWithANewLayoutBringsTheNewOne) {
    EXPECT_EQ(outcome_of("left_while_it_copies", tag_).said, "frame 3");
}

TEST_F(MeetingInFullMemory, OfAReaderThatComesWithANewLayoutBringsTheNewestFrameOfTheOldOne) {
    EXPECT_EQ(outcome_of("left_while_it_maps", tag_).said, "frame 2");
}

TEST_F(MeetingInFullMemory, OfAReaderThatIsAboutToWaitWithANewLayoutBringsTheNewOne) {
    EXPECT_EQ(outcome_of("left_before_it_waits", tag_).said, "frame 3");
}

}  // namespace
}  // namespace ndsharray::test
