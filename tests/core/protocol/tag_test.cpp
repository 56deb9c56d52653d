// SPDX-License-Identifier: BSD-3-Clause
// Tags: what may be one, and where their files live.
#include <ndsharray/leftovers.hpp>
#include <ndsharray/tag.hpp>
#include <ndsharray/tag_info.hpp>
#include <ndsharray/writer.hpp>

#include <support/temporary_directory.hpp>

#include <gtest/gtest.h>

#include <stdlib.h>

#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ndsharray::test {
namespace {

const std::string hex_digits(32, 'a');

TEST(Tag, MayHaveLettersDigitsDotsUnderscoresAndHyphens) {
    for (const std::string_view tag : {"cam0", "A", "0", "_", "-", "Front.left-2_b", "a.", "a..b", "--help"})
        EXPECT_EQ(tag_problem(tag), "") << tag;
}

TEST(Tag, MayNotHaveOtherCharacters) {
    for (int character = 0; character < 256; ++character) {
        const bool allowed = (character >= '0' && character <= '9') ||
                             (character >= 'A' && character <= 'Z') ||
                             (character >= 'a' && character <= 'z') || character == '.' || character == '_' ||
                             character == '-';
        const std::string tag{'a', static_cast<char>(character), 'b'};
        EXPECT_EQ(tag_problem(tag).empty(), allowed) << "character " << character;
    }
}

TEST(Tag, MayNotBeEmpty) {
    EXPECT_NE(tag_problem(""), "");
}

TEST(Tag, MayHave128Characters) {
    EXPECT_EQ(tag_problem(std::string(128, 'x')), "");
}

TEST(Tag, MayNotHave129Characters) {
    EXPECT_NE(tag_problem(std::string(129, 'x')), "");
}

TEST(Tag, MayNotStartWithADot) {
    EXPECT_NE(tag_problem(".x"), "");
    EXPECT_NE(tag_problem(".."), "");
}

TEST(Tag, MayNotEndLikeAReaderTable) {
    EXPECT_NE(tag_problem("cam0.readers"), "");
    EXPECT_EQ(tag_problem("cam0.readers2"), "");
    EXPECT_EQ(tag_problem("readers"), "");
}

TEST(Tag, MayNotEndLikeASegment) {
    EXPECT_NE(tag_problem("cam0." + hex_digits), "");
    EXPECT_NE(tag_problem("cam0.0123456789abcdef0123456789abcdef"), "");
}

TEST(Tag, MayEndAlmostLikeASegment) {
    EXPECT_EQ(tag_problem("cam0." + hex_digits.substr(1)), "");
    EXPECT_EQ(tag_problem("cam0." + hex_digits + "a"), "");
    EXPECT_EQ(tag_problem("cam0." + std::string(32, 'A')), "");
    EXPECT_EQ(tag_problem("cam0-" + hex_digits), "");
    EXPECT_EQ(tag_problem(hex_digits), "");
}

TEST(TagProblem, TellsWhatIsAllowed) {
    const std::string problem = tag_problem("my camera");
    EXPECT_NE(problem.find("my camera"), std::string::npos) << problem;
    EXPECT_NE(problem.find("128"), std::string::npos) << problem;
}

TEST(TagProblem, IsPrintableWhateverTheTagIs) {
    for (const char character : tag_problem("a\n\x1b[31m\xff"))
        EXPECT_TRUE(character >= ' ' && character <= '~') << static_cast<int>(character);
}

class Directory : public ::testing::Test {
  protected:
    TemporaryDirectory outer_;  // restores the environment
};

TEST_F(Directory, IsWhatTheEnvironmentSays) {
    EXPECT_EQ(directory(), outer_.path().string());
}

TEST_F(Directory, IsReadAnewAtEveryCall) {
    directory();
    ::setenv("NDSHARRAY_DIR", "/somewhere/else", 1);
    EXPECT_EQ(directory(), "/somewhere/else");
}

TEST_F(Directory, IsNeverTakenForEmptyBecauseItCannotBeListed) {
    const std::string file = (outer_.path() / "file").string();
    std::ofstream(file) << "no directory";
    ::setenv("NDSHARRAY_DIR", file.c_str(), 1);
    for (const auto& list :
         std::vector<std::function<void()>>{[] { tags(); }, [] { tag_names(); }, [] { find_leftovers(); }}) {
        try {
            list();
            ADD_FAILURE() << "taken for empty";
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::System);
            EXPECT_NE(std::string(error.what()).find(file), std::string::npos) << error.what();
        }
    }
    ::setenv("NDSHARRAY_DIR", (outer_.path() / "missing").c_str(), 1);
    EXPECT_TRUE(tags().empty() && tag_names().empty() && find_leftovers().empty());
    ::setenv("NDSHARRAY_DIR", outer_.path().c_str(), 1);
    outer_.clear();
}

TEST_F(Directory, ListsTagsThatHaveALivingWriter) {
    EXPECT_EQ(tags(), std::vector<std::string>{});
    {
        Writer b("b");
        const Writer a("a.x");
        const std::uint64_t shape[] = {10};
        b.acquire(ArraySpec::contiguous(DType::UInt8, shape));
        std::ofstream(outer_.path() / "ndsh.garbage") << "garbage";
        EXPECT_EQ(tags(), (std::vector<std::string>{"a.x", "b"}));
        outer_.clear();
    }
    EXPECT_EQ(tags(), std::vector<std::string>{});
}

TEST_F(Directory, IsSharedMemoryByDefault) {
    ::unsetenv("NDSHARRAY_DIR");
    EXPECT_EQ(directory(), "/dev/shm");
}

TEST_F(Directory, IsSharedMemoryIfTheVariableIsEmpty) {
    ::setenv("NDSHARRAY_DIR", "", 1);
    EXPECT_EQ(directory(), "/dev/shm");
}

}  // namespace
}  // namespace ndsharray::test
