// SPDX-License-Identifier: BSD-3-Clause
// The files of the Python package ndsharray 1.x, written where `compat` asks for it.
#include "core_test.hpp"
#include "one_x.hpp"
#include "remote.hpp"

#include <bit>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

namespace ndsharray::test {
namespace {

WriterOptions with_compat(unsigned permissions = 0600) {
    WriterOptions options;
    options.compat = true;
    options.permissions = permissions;
    return options;
}

class CompatWriting : public CoreTest {
  protected:
    Path control() const { return directory_.path() / tag_; }

    OldReader old_{directory_.path(), tag_};
};

TEST_F(CompatWriting, ReaderOf1xFindsItsFileBeforeTheFirstFrame) {
    Writer writer(tag_, with_compat());
    EXPECT_EQ(content_of(control()), std::string(tag_.size() + 33, '\0'));
}

TEST_F(CompatWriting, BytesAreThoseOf1x) {
    Writer writer(tag_, with_compat());
    const std::uint16_t elements[] = {1, 2, 3, 4, 5, 0xfffe};
    writer.write({elements, ArraySpec::contiguous(DType::UInt16, Shape{2, 3})});
    EXPECT_TRUE(old_.data().filename().string().starts_with(tag_ + "_"));
    const auto found = old_.read(2);
    EXPECT_TRUE(found.is_valid);
    EXPECT_LE(found.time, now());
    EXPECT_GT(found.time, now() - 60);
    EXPECT_EQ(found.header, big_endian(5, sizeof(void*)) + big_endian(2, sizeof(void*)) +
                                big_endian(2, sizeof(void*)) + big_endian(3, sizeof(void*)));
    EXPECT_EQ(found.elements, std::string(reinterpret_cast<const char*>(elements), sizeof elements));
}

TEST_F(CompatWriting, EveryDTypeHasTheIndexOfThatVersionThatHasIt) {
    const std::uint64_t indices[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 12, 14, 13};
    Writer writer(tag_, with_compat());
    for (std::uint32_t value = 0; value < dtype_count; ++value) {
        const auto spec = ArraySpec::contiguous(static_cast<DType>(value), Shape{3});
        const std::string elements = pattern(spec.bytes, value);
        ASSERT_NE(writer.write({elements.data(), spec}), 0U);
        const auto found = old_.read(1);
        EXPECT_TRUE(found.is_valid) << spec.to_string();
        EXPECT_EQ(found.header.substr(0, sizeof(void*)), big_endian(indices[value], sizeof(void*)));
        EXPECT_EQ(found.elements, elements) << spec.to_string();
    }
}

TEST_F(CompatWriting, TimeGrowsWithEveryFrame) {
    Writer writer(tag_, with_compat());
    double last = 0;
    for (int i = 0; i < 1000; ++i) {
        write_pattern(writer, spec_);
        const double time = old_.read(1).time;
        ASSERT_GT(time, last);
        last = time;
    }
}

TEST_F(CompatWriting, NewLayoutGetsANewFileAndTheOldOneGoes) {
    Writer writer(tag_, with_compat());
    write_pattern(writer, spec_);
    const Path first = old_.data();
    write_pattern(writer, spec_);
    EXPECT_EQ(old_.data(), first);
    write_pattern(writer, bytes_spec(77));
    EXPECT_NE(old_.data(), first);
    EXPECT_FALSE(std::filesystem::exists(first));
    EXPECT_EQ(old_.read(1).elements.size(), 77U);
}

TEST_F(CompatWriting, PaddedRowsAreWrittenTightly) {
    Writer writer(tag_, with_compat());
    const auto spec = ArraySpec::strided(DType::UInt8, Shape{2, 3}, std::vector<std::int64_t>{8, 1}, 16);
    WritableFrame frame = writer.acquire(spec);
    std::memcpy(frame.data(), "abc.....def.....", 16);
    writer.publish(std::move(frame));
    EXPECT_EQ(old_.read(2).elements, "abcdef");
}

TEST_F(CompatWriting, ForeignByteOrderIsConverted) {
    constexpr ByteOrder foreign = native_byte_order == ByteOrder::Little ? ByteOrder::Big : ByteOrder::Little;
    Writer writer(tag_, with_compat());
    writer.write({"abcd", ArraySpec::contiguous(DType::UInt16, Shape{2}, foreign)});
    EXPECT_EQ(old_.read(1).elements, "badc");
    writer.write({"abcdefgh", ArraySpec::contiguous(DType::Complex64, Shape{1}, foreign)});
    EXPECT_EQ(old_.read(1).elements, "dcbahgfe");
}

TEST_F(CompatWriting, FramesAreCompleteOrFlaggedInvalid) {
    constexpr std::uint64_t bytes = 300'000;
    Writer writer(tag_, with_compat());
    const ArraySpec spec = bytes_spec(bytes);
    const auto write = [&](std::uint64_t key) {
        const std::string elements = pattern(bytes, key);
        writer.write({elements.data(), spec});
    };
    write(0);
    std::jthread writing([&](const std::stop_token& stop) {
        for (std::uint64_t key = 1; !stop.stop_requested(); ++key)
            write(key);
    });
    constexpr unsigned enough = 30;
    unsigned valid = 0;
    std::uint64_t newest = 0;
    const auto read = [&] {
        const auto found = old_.read(1);
        if (!found.is_valid)
            return true;
        ++valid;
        const auto pixels = std::as_bytes(std::span(found.elements));
        const std::uint64_t before = newest;
        while (newest < before + 100'000 && !has_pattern(pixels, newest))
            ++newest;
        return has_pattern(pixels, newest);
    };
    EXPECT_TRUE(wait_until([&] { return !read() || valid >= enough; }));
    EXPECT_GE(valid, enough) << "torn, or too few to tell";
}

TEST_F(CompatWriting, ControlFileThatWasEmptiedIsRestoredByTheNextFrame) {
    Writer writer(tag_, with_compat());
    write_pattern(writer, spec_);
    std::filesystem::resize_file(control(), 0);
    write_pattern(writer, spec_);
    EXPECT_TRUE(old_.read(1).is_valid);
}

TEST_F(CompatWriting, ControlFileOf1xIsKeptForItsReaders) {
    put(control(), 0, std::string(tag_.size() + 33, '\0'));
    std::ifstream held(control(), std::ios::binary);
    {
        Writer writer(tag_, with_compat());
        write_pattern(writer, spec_);
        const std::string seen{std::istreambuf_iterator<char>(held), {}};
        EXPECT_EQ(directory_.path() / seen, old_.data());
    }
}

TEST_F(CompatWriting, ReadersOfOursUseOurFiles) {
    Writer writer(tag_, with_compat());
    Reader reader(tag_);
    write_pattern(writer, spec_);
    const Frame frame = reader.read(in_time);
    ASSERT_TRUE(frame);
    EXPECT_FALSE(frame.is_copy());
    writer.close();
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Disconnected);
    EXPECT_EQ(reader.read(50ms).status(), ReadStatus::Timeout);
}

/// So it is for a reader that looks for our control file just before the writer makes it, and for that of 1.x
/// just after the first frame.
TEST_F(CompatWriting, ReadersOfOursDoNotReadItsFilesOf1xThoughTheySeeNoOther) {
    Writer writer(tag_, with_compat());
    ASSERT_NE(write_pattern(writer, spec_), 0U);
    ASSERT_TRUE(old_.read(1).is_valid);
    const Path unseen = directory_.path() / "unseen";
    std::filesystem::rename(file(), unseen);
    Reader reader(tag_);
    EXPECT_EQ(reader.read(50ms).status(), ReadStatus::Timeout);
    std::filesystem::rename(unseen, file());
    const Frame frame = reader.read(in_time);
    EXPECT_FALSE(frame.is_copy());
    EXPECT_TRUE(is_intact(frame));
    EXPECT_EQ(reader.stats().frames, 1U);
}

TEST_F(CompatWriting, LastFrameOfAKilledWriterIsNotReadASecondTime) {
    RemoteWriter writer(tag_, with_compat());
    Reader reader(tag_);
    writer.write(1);
    ASSERT_TRUE(reader.read(in_time));
    writer.kill();
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Disconnected);
    EXPECT_EQ(reader.read(50ms).status(), ReadStatus::Timeout);
    Reader late(tag_);
    EXPECT_EQ(late.read(50ms).status(), ReadStatus::Timeout);
    directory_.clear();
}

TEST_F(CompatWriting, NextWriterRemovesWhatAKilledOneLeft) {
    for (const bool compat : {false, true}) {
        RemoteWriter killed(tag_, with_compat());
        killed.write(1);
        const Path left = old_.data();
        killed.kill();
        ASSERT_TRUE(std::filesystem::exists(left));
        WriterOptions options;
        options.compat = compat;
        const Writer next(tag_, options);
        EXPECT_FALSE(std::filesystem::exists(left));
        EXPECT_EQ(std::filesystem::exists(control()), compat);
    }
}

TEST_F(CompatWriting, NextWriterLeavesTheFilesOf1xThatCameSinceAKilledOne) {
    for (const bool compat : {false, true}) {
        RemoteWriter killed(tag_, with_compat());
        killed.write(1);
        const Path left = old_.data();
        killed.kill();
        OldWriter other(directory_.path(), tag_);
        other.write({10}, pattern(10, 1));
        WriterOptions options;
        options.compat = compat;
        const Writer next(tag_, options);
        EXPECT_FALSE(std::filesystem::exists(left));
        EXPECT_EQ(old_.data(), other.data());
        EXPECT_TRUE(old_.read(1).is_valid);
        std::filesystem::remove(other.data());
        std::filesystem::remove(other.control());
    }
}

TEST_F(CompatWriting, FilesOfOthersAreLeft) {
    OldWriter other(directory_.path(), tag_);
    {
        Writer writer(tag_, with_compat());
        write_pattern(writer, spec_);
        other.write({10}, pattern(10, 1));  // takes the tag over, as 1.x does
    }
    EXPECT_TRUE(old_.read(1).is_valid);
    EXPECT_EQ(directory_.entries().size(), 2U);
    directory_.clear();
}

TEST_F(CompatWriting, PermissionsHold) {
    Writer writer(tag_, with_compat(0666));
    write_pattern(writer, spec_);
    for (const Path& path : {control(), old_.data()})
        EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(path).permissions()), 0644U) << path;
}

TEST_F(CompatWriting, ForeignFileInTheWayIsAnErrorAndUntouched) {
    put(control(), 0, "precious");
    const Error error = error_of([this] { const Writer writer(tag_, with_compat()); });
    EXPECT_EQ(error.code(), ErrorCode::Damaged);
    EXPECT_TRUE(contains(error.what(), control().string())) << error.what();
    EXPECT_EQ(content_of(control()), "precious");
    EXPECT_EQ(directory_.entries(), std::vector<std::string>{tag_});
    directory_.clear();
}

TEST_F(CompatWriting, LinkInTheWayIsAnErrorAndUntouched) {
    put(directory_.path() / "elsewhere", 0, "");
    std::filesystem::create_symlink("elsewhere", control());
    EXPECT_EQ(error_of([this] { const Writer writer(tag_, with_compat()); }).code(), ErrorCode::NotRegular);
    EXPECT_EQ(content_of(directory_.path() / "elsewhere"), "");
    directory_.clear();
}

TEST_F(CompatWriting, TagWhoseFilesWouldBeOursIsRefused) {
    const Writer other("a");
    EXPECT_EQ(error_of([] { const Writer writer("ndsh.a", with_compat()); }).code(),
              ErrorCode::InvalidArgument);
    EXPECT_EQ(directory_.entries(), (std::vector<std::string>{"ndsh.a", "ndsh.a.readers"}));
}

}  // namespace
}  // namespace ndsharray::test
