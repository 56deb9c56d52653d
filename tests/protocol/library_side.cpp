// SPDX-License-Identifier: BSD-3-Clause
// The library's side of the exchange: writes or reads frames as content.py has them, and prints what came of
// it.
//
//   library_side write TAG FIRST COUNT backpressure|free|alone    (alone: for no reader, until the input
//   ends) library_side read TAG LAST every|latest                       (until position LAST, or the end of
//   the stream)
#include <ndsharray/ndsharray.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using ndsharray::ArraySpec;
using ndsharray::DType;

constexpr std::uint64_t frames_per_layout = 400;

struct Layout {
    ArraySpec spec;
    std::string caps;
};

const Layout& layout_at(std::uint64_t position) {
    static const std::array<Layout, 3> layouts = [] {
        const std::array<std::uint64_t, 2> plain{48, 64};
        const std::array<std::uint64_t, 2> padded{40, 50};
        const std::array<std::int64_t, 2> padded_strides{128, 2};
        const std::array<std::uint64_t, 3> planes{3, 40, 64};
        return std::array<Layout, 3>{
            Layout{ArraySpec::contiguous(DType::UInt8, plain), "first"},
            Layout{ArraySpec::strided(DType::UInt16, padded, padded_strides, 40 * 128), "second"},
            Layout{ArraySpec::contiguous(DType::UInt8, planes), "third"},
        };
    }();
    return layouts[position / frames_per_layout % layouts.size()];
}

[[noreturn]] void fail(const std::string& why) {
    std::fprintf(stderr, "library_side: %s\n", why.c_str());
    std::exit(1);
}

int write(const std::string& tag, std::uint64_t first, std::uint64_t count, const std::string& how) {
    ndsharray::WriterOptions options;
    options.backpressure = how == "backpressure";
    options.slots = 6;
    ndsharray::Writer writer(tag, options);
    if (how != "alone" && writer.wait_for_reader(20s) != ndsharray::WriteStatus::Ok)
        fail("no reader came");
    for (std::uint64_t position = first; position < first + count; ++position) {
        const Layout& layout = layout_at(position);
        if (writer.configure(layout.spec, {{"caps", layout.caps}}, 0, 20s) != ndsharray::WriteStatus::Ok)
            fail("no new layout");
        ndsharray::WritableFrame frame = writer.acquire(20s);
        if (!frame)
            fail("no slot at " + std::to_string(position) + ": " + std::string(name(frame.status())));
        for (std::size_t at = 0; at < layout.spec.bytes; at += sizeof position)
            std::memcpy(frame.data() + at, &position, sizeof position);
        ndsharray::FrameInfo info;
        info.offset = position;
        info.pts = static_cast<std::int64_t>(position) * 1000;
        if (writer.publish(std::move(frame), info) == 0)
            fail("not published");
        if (how != "backpressure")
            std::this_thread::sleep_for(50us);
    }
    if (how == "alone") {
        std::puts("written");
        std::fflush(stdout);
        std::getchar();  // until it is killed, or may leave
    }
    if (writer.drain(20s) != ndsharray::WriteStatus::Ok)
        fail("the last frame was not taken");
    writer.end_of_stream();
    std::this_thread::sleep_for(100ms);
    return 0;
}

int read(const std::string& tag, std::uint64_t last, const std::string& how) {
    ndsharray::ReaderOptions options;
    options.mode = how == "every" ? ndsharray::ReadMode::Every : ndsharray::ReadMode::Latest;
    ndsharray::Reader reader(tag, options);
    std::uint64_t frames = 0, missed = 0, writers = 0, layouts = 0, position = 0, number = 0;
    std::uint32_t generation = 0;
    while (true) {
        ndsharray::Frame frame = reader.read(30s);
        if (frame.status() == ndsharray::ReadStatus::Disconnected)
            continue;
        if (frame.status() == ndsharray::ReadStatus::EndOfStream)
            break;
        if (!frame)
            fail(std::string(name(frame.status())) + ": " + reader.error().what());
        position = frame.info().offset;
        const Layout& layout = layout_at(position);
        if (!(frame.spec() == layout.spec) || frame.attributes().find("caps")->second != layout.caps)
            fail("another layout at " + std::to_string(position));
        for (std::size_t at = 0; at < layout.spec.bytes; at += sizeof position)
            if (std::memcmp(frame.data() + at, &position, sizeof position) != 0)
                fail("torn at " + std::to_string(position));
        if (frame.number() <= number)
            fail("frame " + std::to_string(frame.number()) + " after " + std::to_string(number));
        if (frame.info().pts != static_cast<std::int64_t>(position) * 1000)
            fail("times of another frame");
        number = frame.number();
        ++frames;
        missed += frame.missed();
        writers += frame.first_of_writer() ? 1 : 0;
        layouts += frame.generation() != generation ? 1 : 0;
        generation = frame.generation();
        if (frames == 1 || frames % 1000 == 0) {
            std::printf("read %llu\n", static_cast<unsigned long long>(position));
            std::fflush(stdout);
        }
        if (position >= last && last != 0)
            break;
    }
    std::printf("frames %llu missed %llu writers %llu layouts %llu last %llu\n",
                static_cast<unsigned long long>(frames), static_cast<unsigned long long>(missed),
                static_cast<unsigned long long>(writers), static_cast<unsigned long long>(layouts),
                static_cast<unsigned long long>(position));
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    try {
        const std::vector<std::string> words(arguments + 1, arguments + count);
        if (words.size() == 5 && words[0] == "write")
            return write(words[1], std::stoull(words[2]), std::stoull(words[3]), words[4]);
        if (words.size() == 4 && words[0] == "read")
            return read(words[1], std::stoull(words[2]), words[3]);
        std::fputs("see the head of library_side.cpp\n", stderr);
    } catch (const std::exception& error) {
        fail(error.what());
    }
    return 2;
}
