// SPDX-License-Identifier: BSD-3-Clause
// Errors: each has its code, and a sentence that names what is wrong.
#include "core_test.hpp"
#include "remote.hpp"

#include <stdlib.h>

#include <cctype>

namespace ndsharray::test {
namespace {

class Errors : public CoreTest {};

TEST_F(Errors, HaveNames) {
    EXPECT_EQ(name(ErrorCode::None), "None");
    EXPECT_EQ(name(ErrorCode::TagInUse), "TagInUse");
    EXPECT_EQ(name(ErrorCode::System), "System");
    EXPECT_EQ(name(ReadStatus::Disconnected), "Disconnected");
    EXPECT_EQ(name(WriteStatus::NoSlot), "NoSlot");
}

TEST_F(Errors, WriterRefusesABadTag) {
    for (const char* tag : {"", ".hidden", "a/b", "cam 0", "cam0.readers"})
        EXPECT_EQ(error_of([&] { Writer writer(tag); }).code(), ErrorCode::InvalidTag) << tag;
}

TEST_F(Errors, ReaderRefusesABadTag) {
    for (const char* tag : {"", ".hidden", "a/b", "cam 0", "cam0.readers"})
        EXPECT_EQ(error_of([&] { Reader reader(tag); }).code(), ErrorCode::InvalidTag) << tag;
}

TEST_F(Errors, BadTagIsNamed) {
    const Error error = error_of([] { Reader reader("a/b"); });
    EXPECT_TRUE(contains(error.what(), "a/b")) << error.what();
}

TEST_F(Errors, WriterRefusesImpossibleNumbersOfSlots) {
    for (const unsigned slots : {1U, 2U, 33U, 0xffffffffU}) {
        const Error error = error_of([&] { Writer writer(tag_, {.slots = slots}); });
        EXPECT_EQ(error.code(), ErrorCode::InvalidArgument) << slots;
        EXPECT_TRUE(contains(error.what(), std::to_string(slots))) << error.what();
    }
}

TEST_F(Errors, WriterTakesPossibleNumbersOfSlots) {
    for (const unsigned slots : {min_slots, max_slots}) {
        Writer writer(tag_, {.slots = slots});
        write_pattern(writer, spec_);
        EXPECT_EQ(writer.stats().slots, slots);
    }
}

TEST_F(Errors, ConfigureRefusesImpossibleNumbersOfSlots) {
    Writer writer(tag_);
    for (const unsigned slots : {1U, 2U, 33U})
        EXPECT_EQ(error_of([&] { writer.configure(spec_, {}, slots); }).code(), ErrorCode::InvalidArgument)
            << slots;
}

TEST_F(Errors, WriterRefusesTooMuchMetadata) {
    EXPECT_EQ(error_of([&] { Writer writer(tag_, {.metadata_capacity = (1 << 20) + 1}); }).code(),
              ErrorCode::InvalidArgument);
}

TEST_F(Errors, WriterRefusesPermissionsThatAreNone) {
    EXPECT_EQ(error_of([&] { Writer writer(tag_, {.permissions = 01777777}); }).code(),
              ErrorCode::InvalidArgument);
}

TEST_F(Errors, ReaderRefusesTooManyLeases) {
    const Error error = error_of([&] { Reader reader(tag_, with_leases(33)); });
    EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
    EXPECT_TRUE(contains(error.what(), "33")) << error.what();
}

TEST_F(Errors, ReaderTakesThirtyTwoLeases) {
    Reader reader(tag_, with_leases(32));
}

TEST_F(Errors, ReaderRefusesAnOwnerWhoDoesNotExist) {
    const Error error = error_of([&] { Reader reader(tag_, {.owner = "no-such-user"}); });
    EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
    EXPECT_TRUE(contains(error.what(), "no-such-user")) << error.what();
}

TEST_F(Errors, ConfigureRefusesABadLayout) {
    Writer writer(tag_);
    ArraySpec bad = spec_;
    bad.strides[0] = -1;
    EXPECT_EQ(error_of([&] { writer.configure(bad); }).code(), ErrorCode::InvalidArgument);
    bad = spec_;
    bad.ndim = 33;
    EXPECT_EQ(error_of([&] { writer.configure(bad); }).code(), ErrorCode::InvalidArgument);
}

TEST_F(Errors, WriteRefusesABadLayout) {
    Writer writer(tag_);
    const std::byte pixel{};
    ArraySpec bad = spec_;
    bad.dtype = static_cast<DType>(77);
    EXPECT_EQ(error_of([&] { writer.write({&pixel, bad}); }).code(), ErrorCode::InvalidArgument);
    bad = spec_;
    bad.ndim = 33;
    EXPECT_EQ(error_of([&] { writer.write({&pixel, bad}); }).code(), ErrorCode::InvalidArgument);
}

TEST_F(Errors, ConfigureRefusesTooManyAttributes) {
    Writer writer(tag_);
    const Attributes attributes = {{"big", std::string(max_attribute_bytes, 'x')}};
    EXPECT_EQ(error_of([&] { writer.configure(spec_, attributes); }).code(), ErrorCode::InvalidArgument);
}

TEST_F(Errors, WriterGoesOnAfterARefusedConfigure) {
    Writer writer(tag_);
    Reader reader(tag_);
    write_pattern(writer, spec_);
    ArraySpec bad = spec_;
    bad.strides[0] = -1;
    error_of([&] { writer.configure(bad); });
    EXPECT_EQ(write_pattern(writer, spec_), 2U);
    EXPECT_TRUE(is_intact(reader.read(in_time)));
}

/// An array larger than any shared memory.
const ArraySpec enormous = ArraySpec::contiguous(DType::UInt8, Shape{std::uint64_t{1} << 50});

TEST_F(Errors, TooLittleSpaceIsToldInBytesNeededAndBytesFree) {
    Writer writer(tag_, {.slots = min_slots});
    const Error error = error_of([&] { writer.configure(enormous); });
    EXPECT_EQ(error.code(), ErrorCode::NoSpace) << error.what();
    const std::string sentence = error.what();
    unsigned numbers = 0;
    for (std::size_t i = 1; i < sentence.size(); ++i)
        numbers += std::isdigit(sentence[i]) && !std::isdigit(sentence[i - 1]) ? 1 : 0;
    EXPECT_GE(numbers, 2U) << sentence;
    EXPECT_TRUE(contains(sentence, directory_.path().string())) << sentence;
}

TEST_F(Errors, TooLittleSpaceLeavesTheWriterAsItWas) {
    Writer writer(tag_);
    Reader reader(tag_);
    write_pattern(writer, spec_);
    ASSERT_EQ(error_of([&] { writer.configure(enormous); }).code(), ErrorCode::NoSpace);
    EXPECT_EQ(write_pattern(writer, spec_), 2U);
    EXPECT_EQ(reader.read(in_time).number(), 2U);
}

TEST_F(Errors, TooLargeAnArrayIsNoSpaceToo) {
    Writer writer(tag_, {.slots = max_slots});
    const auto largest = bytes_spec(std::uint64_t{1} << 62);
    const ErrorCode code = error_of([&] { writer.configure(largest); }).code();
    EXPECT_TRUE(code == ErrorCode::NoSpace || code == ErrorCode::InvalidArgument) << name(code);
}

TEST_F(Errors, WriterNamesADirectoryThatDoesNotExist) {
    const std::string nowhere = directory_.path() / "nowhere";
    ::setenv("NDSHARRAY_DIR", nowhere.c_str(), 1);
    const Error error = error_of([&] { Writer writer(tag_); });
    EXPECT_EQ(error.code(), ErrorCode::System);
    EXPECT_TRUE(contains(error.what(), nowhere)) << error.what();
}

TEST_F(Errors, WriterNamesADirectoryThatIsAFile) {
    RemoteWriter other(tag_);
    ::setenv("NDSHARRAY_DIR", file().c_str(), 1);
    const Error error = error_of([&] { Writer writer(tag_); });
    EXPECT_NE(error.code(), ErrorCode::None);
    EXPECT_TRUE(contains(error.what(), file().string())) << error.what();
    other.close();
}

TEST_F(Errors, ReaderHasNoErrorBeforeOneHappened) {
    Reader reader(tag_);
    reader.read(0ns);
    EXPECT_EQ(reader.error().code(), ErrorCode::None);
}

TEST_F(Errors, ReaderWaitsForADirectoryThatAppears) {
    const std::string later = directory_.path() / "later";
    ::setenv("NDSHARRAY_DIR", later.c_str(), 1);
    Reader reader(tag_);
    reader.read(0ns);
    std::filesystem::create_directory(later);
    {
        Writer writer(tag_);
        write_pattern(writer, spec_);
        EXPECT_TRUE(wait_until([&] { return static_cast<bool>(reader.read(50ms)); }));
    }
    std::filesystem::remove(later);
}

}  // namespace
}  // namespace ndsharray::test
