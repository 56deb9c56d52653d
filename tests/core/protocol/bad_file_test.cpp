// SPDX-License-Identifier: BSD-3-Clause
// Files that are not what they should be: an error that names file and reason, never a crash, and no file of
// somebody else touched.
#include "core_test.hpp"
#include "remote.hpp"

#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <random>

namespace ndsharray::test {
namespace {

void write_content(const Path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

std::string garbage(std::size_t bytes) {
    std::mt19937 random(3);
    std::string text(bytes, '\0');
    for (char& character : text)
        character = static_cast<char>(random());
    return text;
}

/// The control file of a killed writer, as core/PROTOCOL.md describes it.
std::string real_control_file(const Path& path) {
    RemoteWriter writer("cam0");
    writer.write();
    std::string content = content_of(path);
    writer.close();
    return content;
}

constexpr std::size_t major_version_offset = 8;

/// Something wrong where a tag's control file should be.
struct BadFile {
    std::string name;
    ErrorCode code;
    std::function<void(const Path&)> make;
};

void PrintTo(const BadFile& bad, std::ostream* out) {
    *out << bad.name;
}

const BadFile bad_files[] = {
    {"Symlink", ErrorCode::NotRegular,
     [](const Path& path) { std::filesystem::create_symlink("ndsh.other", path); }},
    {"SymlinkToAnotherTag", ErrorCode::NotRegular,
     [](const Path& path) {
         write_content(path.parent_path() / "target", real_control_file(path));
         std::filesystem::create_symlink("target", path);
     }},
    {"Directory", ErrorCode::NotRegular, [](const Path& path) { std::filesystem::create_directory(path); }},
    {"Fifo", ErrorCode::NotRegular, [](const Path& path) { ::mkfifo(path.c_str(), 0600); }},
    {"Empty", ErrorCode::Damaged, [](const Path& path) { write_content(path, ""); }},
    {"Garbage", ErrorCode::Damaged, [](const Path& path) { write_content(path, garbage(8192)); }},
    {"Zeros", ErrorCode::Damaged, [](const Path& path) { write_content(path, std::string(8192, '\0')); }},
    {"Truncated", ErrorCode::Damaged,
     [](const Path& path) {
         const std::string real = real_control_file(path);
         write_content(path, real.substr(0, real.size() / 2));
     }},
    {"TruncatedInTheVersion", ErrorCode::Damaged,
     [](const Path& path) {
         write_content(path, real_control_file(path).substr(0, major_version_offset + 1));
     }},
    {"NewerVersion", ErrorCode::UnsupportedVersion,
     [](const Path& path) {
         std::string content = real_control_file(path);
         content.at(major_version_offset) = static_cast<char>(content[major_version_offset] + 1);
         write_content(path, content);
     }},
};

class BadControlFile : public CoreTest, public ::testing::WithParamInterface<BadFile> {
  protected:
    void SetUp() override { GetParam().make(file()); }

    void TearDown() override { directory_.clear(); }
};

INSTANTIATE_TEST_SUITE_P(Is, BadControlFile, ::testing::ValuesIn(bad_files),
                         [](const auto& info) { return info.param.name; });

TEST_P(BadControlFile, FailsTheReaderNamingTheFile) {
    Reader reader(tag_);
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Failed);
    EXPECT_EQ(reader.error().code(), GetParam().code) << reader.error().what();
    EXPECT_TRUE(contains(reader.error().what(), file().string())) << reader.error().what();
}

TEST_P(BadControlFile, FailsTheReaderWhenItAppears) {
    const Path aside = directory_.path() / "aside";
    std::filesystem::rename(file(), aside);
    Reader reader(tag_);
    EXPECT_EQ(reader.read(0ns).status(), ReadStatus::Timeout);
    std::filesystem::rename(aside, file());
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Failed);
    EXPECT_EQ(reader.error().code(), GetParam().code) << reader.error().what();
}

TEST_P(BadControlFile, FailsTheReaderUntilItIsMended) {
    Reader reader(tag_);
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Failed);
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Failed);
    std::filesystem::remove_all(file());
    Writer writer(tag_);
    write_pattern(writer, spec_);
    const Frame frame = reader.read(in_time);
    EXPECT_EQ(frame.status(), ReadStatus::Frame) << reader.error().what();
}

TEST_P(BadControlFile, IsRefusedByTheWriterNamingTheFile) {
    const Error error = error_of([&] { Writer writer(tag_); });
    EXPECT_EQ(error.code(), GetParam().code) << error.what();
    EXPECT_TRUE(contains(error.what(), file().string())) << error.what();
}

TEST_P(BadControlFile, IsNotTouchedByTheWriter) {
    const auto status = std::filesystem::symlink_status(file());
    const bool readable = std::filesystem::is_regular_file(status);
    const std::string before = readable ? content_of(file()) : "";
    error_of([&] { Writer writer(tag_); });
    EXPECT_EQ(std::filesystem::symlink_status(file()).type(), status.type());
    EXPECT_EQ(readable ? content_of(file()) : "", before);
}

/// A segment that was spoilt between its writer and a reader.
class BadSegment : public CoreTest {
  protected:
    void SetUp() override { writer_.write(); }

    void TearDown() override {
        writer_.kill();
        directory_.clear();
    }

    void expect_failure(ErrorCode code) {
        const Path segment = segment_file();
        EXPECT_EQ(reader_.read(in_time).status(), ReadStatus::Failed);
        EXPECT_EQ(reader_.error().code(), code) << reader_.error().what();
        EXPECT_TRUE(contains(reader_.error().what(), segment.string())) << reader_.error().what();
    }

    /// Overwrites bytes in place, as someone does who may write the file.
    void overwrite(std::streamoff offset, const std::string& bytes) {
        std::fstream file(segment_file(), std::ios::binary | std::ios::in | std::ios::out);
        file.seekp(offset);
        file << bytes;
    }

    RemoteWriter writer_{tag_, {.slots = min_slots}};  // of so few each has memory from the start
    Reader reader_{tag_};
};

TEST_F(BadSegment, TruncatedFailsTheReader) {
    std::filesystem::resize_file(segment_file(), std::filesystem::file_size(segment_file()) / 2);
    expect_failure(ErrorCode::Damaged);
}

TEST_F(BadSegment, EmptyFailsTheReader) {
    std::filesystem::resize_file(segment_file(), 0);
    expect_failure(ErrorCode::Damaged);
}

TEST_F(BadSegment, WithGarbageForAHeaderFailsTheReader) {
    overwrite(0, garbage(600));
    expect_failure(ErrorCode::Damaged);
}

TEST_F(BadSegment, WithGarbageForAGeometryFailsTheReader) {
    overwrite(32, garbage(500));
    expect_failure(ErrorCode::Damaged);
}

TEST_F(BadSegment, OfANewerVersionFailsTheReader) {
    overwrite(major_version_offset, "\x02");
    expect_failure(ErrorCode::UnsupportedVersion);
}

TEST_F(BadSegment, ThatIsASymlinkFailsTheReader) {
    const Path segment = segment_file();
    std::filesystem::rename(segment, directory_.path() / "target");
    std::filesystem::create_symlink("target", segment);
    expect_failure(ErrorCode::NotRegular);
}

TEST_F(BadSegment, IsForgottenWithTheNextLayout) {
    overwrite(0, garbage(600));
    ASSERT_EQ(reader_.read(in_time).status(), ReadStatus::Failed);
    writer_.write(1, 77);
    const Frame frame = reader_.read(in_time);
    ASSERT_EQ(frame.status(), ReadStatus::Frame) << reader_.error().what();
    EXPECT_EQ(frame.number(), 2U);
    EXPECT_TRUE(is_intact(frame));
}

}  // namespace
}  // namespace ndsharray::test
