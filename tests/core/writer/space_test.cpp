// SPDX-License-Identifier: BSD-3-Clause
// Running out of space where the tags are: fewer slots, or errors with both numbers, after which all goes on.
#include "core_test.hpp"
#include "limits.hpp"
#include "scenes.hpp"

#include <support/small_file_system.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <optional>
#include <regex>
#include <string>
#include <vector>

namespace ndsharray::test {
namespace {

/// As little space as there is in a small file system: no file may be larger than this.
class LittleSpace {
  public:
    explicit LittleSpace(std::uint64_t bytes) : limit_(RLIMIT_FSIZE, bytes) { ::signal(SIGXFSZ, SIG_IGN); }

  private:
    Limit limit_;
};

/// 1 MiB without numbers that could be taken for it.
const ArraySpec square_mebibyte = ArraySpec::contiguous(DType::UInt8, std::vector<std::uint64_t>{1024, 1024});

/// Writes a frame and reads it.
bool passes(Writer& writer, Reader& reader, const ArraySpec& spec) {
    return write_pattern(writer, spec) != 0 && is_intact(reader.read(patience));
}

/// Leaves only so many bytes free where the tags are.
class Filling {
  public:
    explicit Filling(std::uint64_t left) : path_(std::filesystem::path(directory()) / "filling") {
        const int file = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        const std::uint64_t free = std::filesystem::space(path_).available;
        const int error = free > left ? ::posix_fallocate(file, 0, static_cast<off_t>(free - left)) : 0;
        ::close(file);
        EXPECT_EQ(error, 0);
        EXPECT_LE(std::filesystem::space(path_).available, left);
    }
    ~Filling() { std::filesystem::remove(path_); }
    Filling(const Filling&) = delete;
    Filling& operator=(const Filling&) = delete;

  private:
    std::filesystem::path path_;
};

}  // namespace

const RegisteredScenes space_scenes({
    {"automatic_slots",
     [](const std::string& tag) {
         const LittleSpace space(5 * mebibyte);
         Writer writer(tag);
         Reader reader(tag);
         write_pattern(writer, bytes_spec(mebibyte));
         const bool read = is_intact(reader.read(patience));
         return std::to_string(writer.stats().slots) + " slots, " + (read ? "read" : "not read");
     }},
    {"chosen_slots",
     [](const std::string& tag) {
         const LittleSpace space(5 * mebibyte);
         Writer writer(tag, {.slots = 6});
         return code_of(error_of([&] { writer.configure(bytes_spec(mebibyte)); }));
     }},
    {"fewest_slots",
     [](const std::string& tag) {
         const LittleSpace space(2 * mebibyte);
         Writer writer(tag);
         return code_of(error_of([&] { writer.configure(bytes_spec(mebibyte)); }));
     }},
    {"space_for_nothing",
     [](const std::string& tag) {
         const LittleSpace space(0);
         return code_of(error_of([&] { Writer writer(tag); }));
     }},
    {"space_comes_back",
     [](const std::string& tag) {
         Writer writer(tag, {.slots = 3});
         std::optional<LittleSpace> space(mebibyte);
         const std::string failed = code_of(error_of([&] { writer.configure(bytes_spec(mebibyte)); }));
         space.reset();
         Reader reader(tag);
         write_pattern(writer, bytes_spec(mebibyte));
         return failed + ", then " + (is_intact(reader.read(patience)) ? "read" : "not read");
     }},
    {"mount",
     [](const std::string&) -> std::string {
         return mount_small_file_system(mebibyte) ? "mounted" : "not permitted";
     }},
    {"full_file_system",
     [](const std::string& tag) -> std::string {
         mount_small_file_system(4 * mebibyte);
         Writer writer(tag, {.slots = 8});
         return error_of([&] { writer.configure(square_mebibyte); }).what();
     }},
    {"small_file_system",
     [](const std::string& tag) -> std::string {
         mount_small_file_system(5 * mebibyte);
         Writer writer(tag);
         Reader reader(tag);
         for (int i = 0; i < 50; ++i) {
             if (!passes(writer, reader, bytes_spec(mebibyte)))
                 return "frame " + std::to_string(i) + " did not pass";
         }
         return std::to_string(writer.stats().slots) + " slots";
     }},
    {"shared_small_file_system",
     [](const std::string& tag) -> std::string {
         mount_small_file_system(12 * mebibyte);
         Writer first(tag);
         Reader first_reader(tag);
         Writer second(tag + ".second");
         Reader second_reader(tag + ".second");
         first.configure(bytes_spec(mebibyte));
         second.configure(bytes_spec(mebibyte));
         for (int i = 0; i < 50; ++i) {
             if (!passes(first, first_reader, bytes_spec(mebibyte)) ||
                 !passes(second, second_reader, bytes_spec(mebibyte)))
                 return "frame " + std::to_string(i) + " did not pass";
         }
         return "shared";
     }},
    {"room_for_other_tags",
     [](const std::string& tag) -> std::string {
         mount_small_file_system(16 * mebibyte);
         std::vector<Writer> writers;
         std::vector<Reader> readers;
         const auto works = [&](const std::string& name, const ArraySpec& spec) {
             writers.emplace_back(name);
             readers.emplace_back(name);
             for (int i = 0; i < 20; ++i)
                 if (!passes(writers.back(), readers.back(), spec))
                     return false;
             return true;
         };
         std::string outcome = works(tag, bytes_spec(1280 * 720 * 3)) ? "720p" : "nothing";
         for (const char* name : {".a", ".b"})
             outcome += works(tag + name, bytes_spec(640 * 480 * 3)) ? " VGA" : " nothing";
         return outcome + ", " + std::to_string(writers.front().missing_slots()) + " missing";
     }},
    {"holders",
     [](const std::string& tag) -> std::string {
         mount_small_file_system(16 * mebibyte);
         std::vector<Writer> writers;
         for (std::uint64_t i = 1; i <= 4; ++i) {
             writers.emplace_back("holder" + std::to_string(i), WriterOptions{.slots = 3});
             write_pattern(writers.back(), bytes_spec(i * 400'000));
         }
         Writer writer(tag);
         return error_of([&] { writer.configure(bytes_spec(3 * mebibyte)); }).what();
     }},
    {"a_chosen_number_later",
     [](const std::string& tag) -> std::string {
         mount_small_file_system(8 * mebibyte);
         Writer writer(tag, {.slots = 6});
         write_pattern(writer, bytes_spec(mebibyte));
         Reader reader(tag, with_leases(max_slots));
         std::string outcome = std::to_string(writer.missing_slots());
         {
             const Filling all(0);
             std::vector<Frame> held;
             for (int i = 0; i < 20; ++i) {
                 if (write_pattern(writer, bytes_spec(mebibyte)) == 0)
                     return "dropped";
                 held.push_back(reader.read(patience));
                 if (!held.back() || !is_intact(held.back()))
                     return "not read";
             }
             outcome += ", then " + std::to_string(writer.missing_slots());
         }
         const bool again = wait_until([&] {
             write_pattern(writer, bytes_spec(mebibyte));
             return writer.missing_slots() == 0;
         });
         return outcome + (again ? ", then 0" : ", for ever");
     }},
    {"layout_in_a_full_file_system",
     [](const std::string& tag) -> std::string {
         mount_small_file_system(5 * mebibyte);
         Writer writer(tag);
         write_pattern(writer, bytes_spec(mebibyte));
         Reader reader(tag);
         return passes(writer, reader, bytes_spec(mebibyte + 1)) ? "passes" : "does not pass";
     }},
    {"held_frames_of_many_layouts",
     [](const std::string& tag) -> std::string {
         // Three slots of the current layout, three of the next, and a frame of each of two others.
         mount_small_file_system(8 * mebibyte);
         Writer writer(tag, {.slots = 3});
         Reader reader(tag, with_leases(max_slots));
         std::vector<Frame> held;
         for (std::uint64_t layout = 0; layout < 5; ++layout) {
             write_pattern(writer, bytes_spec(mebibyte - layout));
             held.push_back(reader.read(patience));
             if (!held.back() || held.back().is_copy())
                 return "frame " + std::to_string(layout) + " did not pass";
         }
         for (const Frame& frame : held)
             if (!is_intact(frame))
                 return "frame " + std::to_string(frame.number()) + " is not what it was";
         return "all pass and stay";
     }},
    {"any_space",
     [](const std::string& tag) -> std::string {
         mount_small_file_system(mebibyte);
         std::string outcomes;
         for (std::uint64_t pages = 0; pages <= 24; ++pages) {
             const Filling all_but(pages * page);
             outcomes += outcome_of_starting(tag) + left_behind(tag);
         }
         return outcomes;
     }},
    {"any_space_for_a_layout",
     [](const std::string& tag) -> std::string {
         mount_small_file_system(mebibyte);
         Writer writer(tag);
         Reader reader(tag);
         if (!passes(writer, reader, bytes_spec(page)))
             return "does not pass";
         for (std::uint64_t pages = 0; pages <= 40; ++pages) {
             const Filling all_but(pages * page);
             const Error error = error_of([&] { writer.configure(bytes_spec((4 + pages % 3) * page)); });
             if (error.code() != ErrorCode::None && error.code() != ErrorCode::NoSpace)
                 return error.what();
         }
         return passes(writer, reader, bytes_spec(2 * page)) ? "passes" : "does not pass any more";
     }},
    {"container",
     [](const std::string& tag) -> std::string {
         // Docker's 64 MiB: eight frames of 1080p in RGB, which then change to NV12 and to 4K.
         mount_small_file_system(64 * mebibyte);
         Writer writer(tag);
         Reader reader(tag);
         std::string slots;
         for (const std::uint64_t bytes : {1920 * 1080 * 3, 1920 * 1080 * 3 / 2, 3840 * 2160 * 3 / 2}) {
             if (!passes(writer, reader, bytes_spec(bytes)))
                 return "does not pass";
             slots += std::to_string(writer.stats().slots) + ' ';
         }
         const Error error = error_of([&] { writer.configure(bytes_spec(3840 * 2160 * 3)); });
         slots += code_of(error);
         return slots + (passes(writer, reader, bytes_spec(1920 * 1080)) ? ", then passes" : ", then not");
     }},
});

namespace {

class Space : public SceneTest {};

TEST_F(Space, ShortOfSpaceTheWriterTakesFewerSlots) {
    EXPECT_EQ(outcome_of("automatic_slots"), "4 slots, read");
}

TEST_F(Space, ShortOfSpaceAChosenNumberOfSlotsIsRefused) {
    EXPECT_EQ(outcome_of("chosen_slots"), "NoSpace");
}

TEST_F(Space, WithoutSpaceForThreeSlotsALayoutIsRefused) {
    EXPECT_EQ(outcome_of("fewest_slots"), "NoSpace");
}

TEST_F(Space, WithoutAnySpaceAWriterIsRefused) {
    EXPECT_EQ(outcome_of("space_for_nothing"), "NoSpace");
}

TEST_F(Space, WithSpaceAgainTheWriterGoesOn) {
    EXPECT_EQ(outcome_of("space_comes_back"), "NoSpace, then read");
}

class SmallFileSystem : public Space {
  protected:
    void SetUp() override {
        if (outcome_of("mount") != "mounted")
            GTEST_SKIP() << "it takes root to mount one";
    }

    /// The numbers in a sentence that have five digits or more: numbers of bytes.
    static std::vector<std::uint64_t> large_numbers_in(const std::string& sentence) {
        std::vector<std::uint64_t> numbers;
        std::string digits;
        for (const char character : sentence + ' ') {
            if (character >= '0' && character <= '9') {
                digits += character;
                continue;
            }
            if (digits.size() >= 5)
                numbers.push_back(std::stoull(digits));
            digits.clear();
        }
        return numbers;
    }
};

TEST_F(SmallFileSystem, IsToldInBytesNeededAndBytesFree) {
    const std::string sentence = outcome_of("full_file_system");
    EXPECT_TRUE(contains(sentence, directory_.path().string())) << sentence;
    const auto numbers = large_numbers_in(sentence);
    ASSERT_EQ(numbers.size(), 2U) << sentence;
    EXPECT_GE(numbers[0], 8 * mebibyte) << sentence;
    EXPECT_GT(numbers[1], 3 * mebibyte) << sentence;
    EXPECT_LE(numbers[1], 4 * mebibyte) << sentence;
}

TEST_F(SmallFileSystem, PassesFramesThroughFewerSlots) {
    EXPECT_EQ(outcome_of("small_file_system"), "3 slots");
}

TEST_F(SmallFileSystem, FilledToAnyPageGivesAWriterOrAnErrorWithBothNumbers) {
    const std::string outcomes = outcome_of("any_space");
    // In this order, and each of them comes: no room for the tag, none for a layout, room.
    EXPECT_TRUE(std::regex_match(outcomes, std::regex("w+l+p+"))) << outcomes;
}

TEST_F(SmallFileSystem, FilledToAnyPageLeavesTheWriterOfALayoutAlive) {
    EXPECT_EQ(outcome_of("any_space_for_a_layout"), "passes");
}

TEST_F(SmallFileSystem, OfAContainerHoldsEightFramesOrAsManyAsFitIntoHalfOfIt) {
    EXPECT_EQ(outcome_of("container"), "8 8 3 NoSpace, then passes");
}

TEST_F(SmallFileSystem, IsLeftToOtherTagsByAWriterWithAutomaticSlots) {
    EXPECT_EQ(outcome_of("room_for_other_tags"), "720p VGA VGA, 5 missing");
}

TEST_F(SmallFileSystem, IsToldWithTheTagsThatHoldMost) {
    const std::string sentence = outcome_of("holders");
    EXPECT_TRUE(
        contains(sentence, "\"holder4\" (4.8 MB), \"holder3\" (3.6 MB), \"holder2\" (2.4 MB) and 1 more"))
        << sentence;
}

TEST_F(SmallFileSystem, FilledByOthersLetsReadersThatHoldFramesCopyAndDropsNone) {
    EXPECT_EQ(outcome_of("a_chosen_number_later"), "0, then 3, then 0");
}

TEST_F(SmallFileSystem, IsSharedByTwoWriters) {
    EXPECT_EQ(outcome_of("shared_small_file_system"), "shared");
}

TEST_F(SmallFileSystem, GivesANewLayoutTheSpaceOfTheOldOne) {
    EXPECT_EQ(outcome_of("layout_in_a_full_file_system"), "passes");
}

TEST_F(SmallFileSystem, GivesANewLayoutTheSpaceThatHeldFramesDoNotNeed) {
    EXPECT_EQ(outcome_of("held_frames_of_many_layouts"), "all pass and stay");
}

}  // namespace
}  // namespace ndsharray::test
