// SPDX-License-Identifier: BSD-3-Clause
// Smaller parts of ndsh mirror: compression, addresses, keys, loops, what is said.
#include <compression.hpp>
#include <engine.hpp>
#include <keys.hpp>
#include <long_double.hpp>
#include <options.hpp>
#include <place.hpp>
#include <report.hpp>
#include <wire.hpp>

#include <ndsharray/error.hpp>

#include <support/temporary_directory.hpp>

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <array>
#include <fstream>
#include <random>

namespace ndsharray::mirror::test {
namespace {

std::vector<std::byte> slope(std::size_t bytes, std::size_t width) {
    std::vector<std::byte> part(bytes);
    for (std::size_t i = 0; i < bytes; ++i)
        part[i] = static_cast<std::byte>(i % width == 0 ? i / width : 7);
    return part;
}

TEST(Compression, GivesBackEveryByteOfEveryWidthAndLength) {
    Compressor compressor;
    Decompressor decompressor;
    for (const std::size_t width : {1u, 2u, 4u, 8u})
        for (const std::size_t step : {1u, 3u, 4u})
            for (const std::size_t bytes : {1000u, 1001u, 4099u, 262144u}) {
                const auto part = slope(bytes, width);
                const auto fewer = compressor.compress(part, {width, step});
                ASSERT_FALSE(fewer.empty());
                EXPECT_LT(fewer.size(), bytes);
                std::vector<std::byte> again(bytes);
                EXPECT_TRUE(decompressor.decompress(again, fewer, {width, step}));
                EXPECT_EQ(again, part) << width << " " << step << " " << bytes;
            }
}

TEST(Compression, IsNoneWhereItWouldNotBeFewerBytes) {
    std::minstd_rand random(1);
    std::vector<std::byte> noise(100'000);
    for (std::byte& byte : noise)
        byte = static_cast<std::byte>(random() >> 8);
    Compressor compressor;
    EXPECT_TRUE(compressor.compress(noise, {1, 1}).empty());
    EXPECT_TRUE(compressor.compress(std::span(noise).first(1), {1, 1}).empty());
}

TEST(Compression, OfHostileBytesFillsNothingButThePart) {
    Compressor compressor;
    Decompressor decompressor;
    const auto part = slope(100'000, 2);
    const auto fewer = compressor.compress(part, {2, 1});
    const std::vector<std::byte> good(fewer.begin(), fewer.end());
    std::vector<std::byte> small(1000), large(200'000);
    EXPECT_FALSE(decompressor.decompress(small, good, {2, 1})) << "more bytes than asked for";
    EXPECT_FALSE(decompressor.decompress(large, good, {2, 1})) << "fewer bytes than asked for";
    EXPECT_FALSE(decompressor.decompress(small, std::span(good).first(10), {2, 1})) << "cut";
    EXPECT_FALSE(decompressor.decompress(small, {}, {2, 1})) << "nothing";
}

TEST(Address, IsReadAsPeopleWriteIt) {
    EXPECT_EQ(Address::parse("10.0.0.7:7448").to_string(), "10.0.0.7:7448");
    EXPECT_EQ(Address::parse("edge-7").to_string(), "edge-7:7447");
    EXPECT_EQ(Address::parse("[::1]:1").to_string(), "[::1]:1");
    EXPECT_EQ(Address::parse("[fe80::1%eth0]").to_string(), "[fe80::1%eth0]:7447");
    for (const char* wrong : {"", ":1", "a:b", "a:99999", "a:1:2", "[::1", "[::1]x", "a b", "a/b", "a:"})
        EXPECT_THROW(Address::parse(wrong), Error) << wrong;
}

TEST(Address, KnowsWhetherOthersReachIt) {
    for (const char* local : {"127.0.0.1", "localhost:1", "[::1]", "127.1.2.3"})
        EXPECT_TRUE(Address::parse(local).is_local()) << local;
    for (const char* other : {"0.0.0.0", "10.0.0.7", "[::]", "edge-7", "127.example.org"})
        EXPECT_FALSE(Address::parse(other).is_local()) << other;
}

TEST(TagHere, DoesNotCollideForSeveralMachines) {
    EXPECT_EQ(tag_here(Address::parse("edge-7"), "cam0"), "edge-7.cam0");
    EXPECT_EQ(tag_here(Address::parse("edge-8"), "cam0"), "edge-8.cam0");
    EXPECT_EQ(tag_here(Address::parse("edge-8:7448"), "cam0"), "edge-8-7448.cam0");
    EXPECT_EQ(tag_here(Address::parse("[fe80::1%eth0]"), "cam0"), "fe80--1-eth0.cam0");
}

class Keys : public testing::Test {
  protected:
    ndsharray::test::TemporaryDirectory folder_;
    std::string path(const std::string& name) { return folder_.path().string() + "/keys/" + name; }
    void write(const std::string& name, const std::string& text) {
        std::ofstream(path(name)) << text;
        ::chmod(path(name).c_str(), 0600);
    }
};

TEST_F(Keys, OfBothSidesFitTogether) {
    make_keys(folder_.path().string() + "/keys");
    const auto share = read_share_keys(path("share.key"), true);
    const auto mirror = read_mirror_keys(path("mirror.key"), true);
    EXPECT_EQ(mirror->share, share->public_key);
    EXPECT_EQ(share->mirrors, std::vector{mirror->public_key});
    EXPECT_NE(share->secret, mirror->secret);
    EXPECT_THROW(make_keys(folder_.path().string() + "/keys"), Error) << "keys are not overwritten";
}

TEST_F(Keys, ThatOthersMayReadAreRefused) {
    make_keys(folder_.path().string() + "/keys");
    ::chmod(path("share.key").c_str(), 0640);
    EXPECT_THROW(read_share_keys(path("share.key"), false), Error);
}

TEST_F(Keys, ThatAreNoneAreRefusedAndMissingOnesAreNone) {
    make_keys(folder_.path().string() + "/keys");
    EXPECT_FALSE(read_share_keys(path("none"), false));
    EXPECT_THROW(read_share_keys(path("none"), true), Error);
    write("bad", "secret short\n");
    EXPECT_THROW(read_share_keys(path("bad"), true), Error);
    write("bad", "# nothing\n");
    EXPECT_THROW(read_share_keys(path("bad"), true), Error);
    write("bad", "secret " + std::string(40, ' ') + "\n");
    EXPECT_THROW(read_mirror_keys(path("bad"), true), Error);
}

TEST(Place, IsKnownAgainOnTheWayBack) {
    Attributes attributes;
    EXPECT_FALSE(has_been_at(attributes, this_place()));
    add_place(attributes, "0123456789abcdef");
    add_place(attributes, this_place());
    EXPECT_TRUE(has_been_at(attributes, this_place()));
    EXPECT_TRUE(has_been_at(attributes, "0123456789abcdef"));
    EXPECT_FALSE(has_been_at(attributes, "fedcba9876543210"));
}

TEST(LongDouble, OfAnotherProcessorIsRefusedWithASentence) {
    const std::array<std::uint64_t, 1> shape{3};
    for (const DType dtype : {DType::Float128, DType::Complex256}) {
        const ArraySpec spec = ArraySpec::contiguous(dtype, shape);
        Attributes attributes;
        add_long_double(attributes, spec);
        EXPECT_EQ(attributes.size(), 1U);
        EXPECT_EQ(long_double_problem(attributes, spec), "") << "on the machine of the writer";
        attributes[std::string(long_double_attribute)] = "of a PDP-11";
        const Attributes far = attributes;
        add_long_double(attributes, spec);
        EXPECT_EQ(attributes, far) << "a tag that was mirrored already";
        EXPECT_TRUE(long_double_problem(far, spec).starts_with(
            "its " + std::string(name(dtype)) +
            " elements come from another kind of processor (of a PDP-11; here: "));
    }
    Attributes none;
    const ArraySpec usual = ArraySpec::contiguous(DType::Float64, shape);
    add_long_double(none, usual);
    EXPECT_EQ(none, Attributes{});
    EXPECT_EQ(long_double_problem({{std::string(long_double_attribute), "of a PDP-11"}}, usual), "");
    EXPECT_EQ(long_double_problem({}, ArraySpec::contiguous(DType::Float128, shape)), "")
        << "of an older version";
}

TEST(Report, SaysWhatASmallLinkWouldNeed) {
    FollowerState before, now;
    before.counts.number = 7;
    now.counts.number = 307;
    now.counts.published = 10'000'000'000;
    now.counts.frames = 40;
    now.wire_bytes = 40 * 3'110'400ull;
    now.frame_bytes = 3'110'400;
    FollowerOptions options;
    const std::string said = link_problem(options, before, now, 10);
    EXPECT_NE(said.find("30.0 frames/s of 3.1 MB need 746 Mbit/s, and 100 Mbit/s came"), std::string::npos)
        << said;
    EXPECT_NE(said.find("--every-nth 8 fits"), std::string::npos) << said;
    options.every_nth = 8;
    EXPECT_EQ(link_problem(options, before, now, 10), "") << "4 of 30 are more than one of 8";
    options.every_nth = 1;
    options.max_millihertz = 4000;
    EXPECT_EQ(link_problem(options, before, now, 10), "");
    options.max_millihertz = 0;
    options.here.every = true;
    EXPECT_NE(link_problem(options, before, now, 10), "") << "the writer does not wait";
    options.here.every = false;
    options.compression = Compression::Zstd;
    const std::string compressed = link_problem(options, before, now, 10);
    EXPECT_EQ(compressed.find("--compress"), std::string::npos) << compressed;
    now.counts.number = 47;
    EXPECT_EQ(link_problem(options, before, now, 10), "") << "the writer waited";
}

TEST(Report, SaysThatALinkIsSmallThoughAFrameTakesLongerThanTwoLooks) {
    FollowerState now;
    now.frame_bytes = 25'000'000;
    LinkLooks looks;
    std::vector<std::string> said;
    for (int look = 1; look <= 12; ++look) {
        now.wire_bytes += 12'500'000;
        if (look % 3 == 0) {
            ++now.counts.frames;
            now.counts.number += 900;
            now.counts.published += 30'000'000'000;
        }
        if (const std::string sentence = looks.look({}, now, 10); !sentence.empty())
            said.push_back(sentence);
    }
    ASSERT_EQ(said.size(), 1U) << "once";
    EXPECT_NE(said[0].find("30.0 frames/s of 25.0 MB need 6000 Mbit/s, and 10 Mbit/s came"),
              std::string::npos)
        << said[0];
}

TEST(Report, SaysNothingOfALinkThatIsCutOrOfATagThatIsQuiet) {
    FollowerState now;
    now.frame_bytes = 1000;
    LinkLooks looks;
    for (int look = 0; look < 10; ++look) {
        const bool is_quiet = look == 5;
        now.counts.frames += is_quiet ? 0 : 1;
        now.counts.number += is_quiet ? 0 : 1;
        now.counts.published += is_quiet ? 0 : 10'000'000'000;
        EXPECT_EQ(looks.look({}, now, 10), "");
    }
    now.counts.number += 500;
    now.counts.published += 10'000'000'000;
    ++now.counts.frames;
    ++now.reconnects;
    EXPECT_EQ(looks.look({}, now, 10), "");
}

TEST(Report, ShowsTheClockWithItsUncertainty) {
    FollowerState now;
    now.counts.frames = 20;
    now.clock = OffsetEstimate{-1'500'000, 40'000};
    EXPECT_EQ(report({}, now, 2),
              "10.0 frames/s, 0 missed, 0 kbit/s, clock -1.500 ms, uncertain by 0.040 ms");
}

}  // namespace
}  // namespace ndsharray::mirror::test
