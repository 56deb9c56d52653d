// SPDX-License-Identifier: BSD-3-Clause
// The messages of ndsh mirror: what is written reads the same, and what is wrong is refused with a sentence.
#include <wire.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace ndsharray::mirror::test {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// One of each type, with a value in every field.
std::vector<Message> messages() {
    const std::uint64_t shape[] = {2, 3};
    const std::int64_t strides[] = {16, 4};
    Layout layout;
    layout.session = 7;
    layout.writer = 8;
    layout.number = 9;
    layout.metadata_capacity = 100;
    layout.spec = ArraySpec::strided(DType::Float32, shape, strides, 32);
    layout.attributes = {{"caps", "video/x-raw"}, {"empty", ""}};
    FrameHead frame;
    frame.session = 7;
    frame.item = 10;
    frame.layout = 9;
    frame.compression = Compression::Zstd;
    frame.info = {11, 12, 13, no_time, -15, 16, 17, 18, no_offset, 20, 0};
    frame.bytes = 32;
    frame.metadata = std::string("m\0n", 3);
    return {
        Hello{1, Mode::Every, Compression::Zstd, 2, 3, 4, 5, "cam0"},
        Credit{1, 3, 2},
        Ping{-5},
        List{},
        Bye{6},
        Welcome{1, 2, true, true, "edge-7"},
        layout,
        frame,
        Data{1, 2, 262144, 100},
        State{1, 2, State::Kind::Ended},
        Pong{1, 2, 3, 4},
        Listing{"edge-7", {{"cam0", "uint8 (2, 3)", 29970, 6}, {"cam1", "", 0, 0}}},
        Refused{Refusal::TooMany, "too many"},
    };
}

TEST(Wire, EveryMessageReadsAsItWasWritten) {
    for (const Message& message : messages()) {
        const std::string bytes = encode(message);
        const Message again = decode(bytes_of(bytes));
        EXPECT_EQ(again.index(), message.index());
        EXPECT_EQ(encode(again), bytes) << "type " << message.index();
    }
}

TEST(Wire, APlaceOfEachFieldIsAsDocumented) {
    // README.md: little-endian; the head of a Credit, and its two numbers.
    const std::string bytes = encode(Credit{0x0102030405060708, 0x11, 0x10});
    const std::string expected(
        "NDSM\x01\x00\x02\x00\x08\x07\x06\x05\x04\x03\x02\x01"
        "\x11\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0",
        32);
    EXPECT_EQ(bytes, expected);
    // A frame's number, metadata and bytes.
    const std::string frame = encode(messages()[7]);
    EXPECT_EQ(frame[32], 11);
    EXPECT_EQ(frame[104], 1);
    EXPECT_EQ(frame[108], 3);
    EXPECT_EQ(frame[112], 32);
    EXPECT_EQ(frame.substr(120), std::string("m\0n", 3));
}

TEST(Wire, EveryMessageThatIsCutOrGoesOnIsRefused) {
    for (const Message& message : messages()) {
        const std::string bytes = encode(message);
        for (std::size_t length = 0; length < bytes.size(); ++length)
            EXPECT_THROW(decode(bytes_of(bytes.substr(0, length))), WireError)
                << message.index() << " " << length;
        EXPECT_THROW(decode(bytes_of(bytes + '\0')), WireError) << message.index();
    }
}

Message with(std::size_t index, const std::function<void(Message&)>& change) {
    Message message = messages()[index];
    change(message);
    return message;
}

struct Bad {
    const char* what;
    std::function<std::string()> bytes;
    Refusal refusal = Refusal::Malformed;
};

std::string patched(std::size_t index, std::size_t at, const std::string& bytes) {
    std::string text = encode(messages()[index]);
    return text.replace(at, bytes.size(), bytes);
}

TEST(Wire, WhatIsWrongIsRefusedWithASentence) {
    const std::string most(8, '\xff'), most_4(4, '\xff');
    const Bad bad[] = {
        {"nothing", [] { return std::string(); }},
        {"another magic", [] { return patched(0, 0, "NDSX"); }},
        {"a version of the future", [] { return patched(0, 4, "\x02"); }, Refusal::Version},
        {"an unknown type", [] { return patched(0, 6, "\x40"); }},
        {"a mode that is none", [] { return patched(0, 16, "\x02"); }},
        {"a compression that is none", [] { return patched(0, 20, "\x02"); }},
        {"every 0th frame", [] { return patched(0, 24, std::string(4, '\0')); }},
        {"a tag that is none",
         [] { return encode(with(0, [](auto& m) { std::get<Hello>(m).tag = "../x"; })); }},
        {"a long tag",
         [] { return encode(with(0, [](auto& m) { std::get<Hello>(m).tag = std::string(129, 'a'); })); }},
        {"more done than wanted",
         [] {
             return encode(Credit{1, 2, 3});
         }},
        {"an unprintable host",
         [] {
             return encode(Welcome{1, 2, false, false, "a\x1b[2J"});
         }},
        {"unknown flags", [] { return patched(5, 24, "\x04"); }},
        {"a dtype that is none", [] { return patched(6, 28, "\x10"); }},
        {"a byte order that is none", [] { return patched(6, 32, "\x02"); }},
        {"33 dimensions", [] { return patched(6, 36, "\x21"); }},
        {"2^32 dimensions", [=] { return patched(6, 36, most_4); }},
        {"an array of 2^64 bytes", [=] { return patched(6, 40, most); }},
        {"an array with too few bytes", [] { return patched(6, 40, "\x01"); }},
        {"2^64 bytes of metadata", [=] { return patched(6, 48, most); }},
        {"a huge shape", [=] { return patched(6, 56, most); }},
        {"a huge shape whose size wraps around",
         [] { return patched(6, 56, std::string("\0\0\0\0\0\0\0\x40", 8)); }},
        {"negative strides", [=] { return patched(6, 72, most); }},
        {"strides that overlap", [] { return patched(6, 72, "\x01"); }},
        {"attributes longer than the message", [=] { return patched(6, 88, most_4); }},
        {"a key longer than the attributes", [=] { return patched(6, 92, most_4); }},
        {"a value longer than the attributes", [=] { return patched(6, 96, most_4); }},
        {"attributes over 64 KiB",
         [] {
             return encode(
                 with(6, [](auto& m) { std::get<Layout>(m).attributes["x"] = std::string(65536, 'x'); }));
         }},
        {"a frame number of 2^64", [=] { return patched(7, 32, most); }},
        {"metadata longer than the message", [=] { return patched(7, 108, most_4); }},
        {"a frame of 2^64 bytes", [=] { return patched(7, 112, most); }},
        {"a part at 2^64", [=] { return patched(8, 24, most); }},
        {"a part of 4 GiB", [=] { return patched(8, 32, most_4); }},
        {"a part without bytes", [] { return patched(8, 32, std::string(4, '\0')); }},
        {"a state that is none", [] { return patched(9, 24, "\x04"); }},
        {"life as an item",
         [] {
             return encode(State{1, 2, State::Kind::Live});
         }},
        {"a list of 2^32 tags", [=] { return patched(11, 24, most_4); }},
        {"a refusal that is none", [] { return patched(12, 16, "\x07"); }},
    };
    for (const Bad& message : bad) {
        try {
            decode(bytes_of(message.bytes()));
            ADD_FAILURE() << message.what << " was read";
        } catch (const WireError& error) {
            EXPECT_EQ(error.refusal(), message.refusal) << message.what;
            EXPECT_GT(std::string_view(error.what()).size(), 20u) << message.what;
        }
    }
}

}  // namespace
}  // namespace ndsharray::mirror::test
