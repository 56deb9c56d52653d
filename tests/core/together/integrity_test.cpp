// SPDX-License-Identifier: BSD-3-Clause
// No reader ever sees pixels of two frames mixed, however fast the writer and however long frames are held.
#include "core_test.hpp"
#include "remote.hpp"

#include <random>
#include <sstream>

namespace ndsharray::test {
namespace {

/// Publishes as fast as it can until it is killed; every `frames_per_layout` frames another size.
int write_on(Channel& channel, const Arguments& arguments) {
    const std::uint64_t bytes = std::stoull(arguments.at(1));
    const std::uint64_t frames_per_layout = std::stoull(arguments.at(2));
    const auto slots = static_cast<unsigned>(std::stoul(arguments.at(3)));
    Writer writer(arguments.at(0), {.slots = slots});
    channel.send("started");
    for (std::uint64_t tries = 0;; ++tries) {
        const std::uint64_t more = tries / frames_per_layout % 7 * 1000;
        write_pattern(writer, bytes_spec(bytes + more));
    }
}
const RegisteredRole write_on_role("write_on", write_on);

/// Frames that were found torn, and what else there is to say about those read.
struct Findings {
    std::uint64_t frames = 0;
    std::uint64_t copies = 0;
    std::uint64_t torn = 0;
    std::uint64_t out_of_order = 0;
    std::uint64_t layouts = 0;
    std::string other;  // status that was no frame
};

/// Reads some frames, holds a few of them for a random while and looks at each twice.
Findings look_at_frames(Reader& reader, std::uint64_t count) {
    constexpr std::size_t most_held = 4;
    std::mt19937 random(7);
    std::vector<Frame> held;
    Findings found;
    std::uint64_t last_number = 0;
    std::uint32_t last_generation = 0;
    const auto let_go = [&](std::size_t index) {
        found.torn += is_intact(held[index]) ? 0 : 1;
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(index));
    };
    while (found.frames < count) {
        Frame frame = reader.read(patience);
        if (!frame) {
            found.other = name(frame.status());
            break;
        }
        ++found.frames;
        found.copies += frame.is_copy() ? 1 : 0;
        found.torn += is_intact(frame) ? 0 : 1;
        found.out_of_order += frame.number() > last_number ? 0 : 1;
        found.layouts += frame.generation() != last_generation ? 1 : 0;
        last_number = frame.number();
        last_generation = frame.generation();
        held.push_back(std::move(frame));
        if (held.size() == most_held || random() % 3 == 0)
            let_go(random() % held.size());
    }
    while (!held.empty())
        let_go(0);
    return found;
}

int look(Channel& channel, const Arguments& arguments) {
    const ReadMode mode = arguments.at(1) == "every" ? ReadMode::Every : ReadMode::Latest;
    const auto max_leases = static_cast<unsigned>(std::stoul(arguments.at(2)));
    Reader reader(arguments.at(0), reading(mode, max_leases));
    const Findings found = look_at_frames(reader, std::stoull(arguments.at(3)));
    std::ostringstream words;
    words << found.frames << ' ' << found.copies << ' ' << found.torn << ' ' << found.out_of_order << ' '
          << found.layouts << ' ' << found.other;
    channel.send(words.str());
    return 0;
}
const RegisteredRole look_role("look", look);

Findings findings_of(ChildProcess& process) {
    std::istringstream words(process.channel().receive(3 * patience).value_or(""));
    Findings found;
    words >> found.frames >> found.copies >> found.torn >> found.out_of_order >> found.layouts >> found.other;
    return found;
}

class Integrity : public CoreTest {
  protected:
    static constexpr std::uint64_t frames = 3000;
    static constexpr std::uint64_t one_layout = 1'000'000'000;

    ChildProcess start_writer(std::uint64_t bytes, std::uint64_t frames_per_layout = one_layout,
                              unsigned slots = 0) {
        ChildProcess writer("write_on", {tag_, std::to_string(bytes), std::to_string(frames_per_layout),
                                         std::to_string(slots)});
        EXPECT_TRUE(writer.channel().receive());
        return writer;
    }

    ChildProcess start_reader(const std::string& mode, unsigned max_leases) {
        return ChildProcess("look", {tag_, mode, std::to_string(max_leases), std::to_string(frames)});
    }

    void expect_whole_frames(const Findings& found) {
        EXPECT_EQ(found.other, "");
        EXPECT_EQ(found.frames, frames);
        EXPECT_EQ(found.torn, 0U);
        EXPECT_EQ(found.out_of_order, 0U);
    }

    void TearDown() override { Writer clears_away(tag_); }
};

TEST_F(Integrity, LeasedFramesAreWhole) {
    const ChildProcess writer = start_writer(64 * 1024);
    ChildProcess reader = start_reader("latest", 4);
    const Findings found = findings_of(reader);
    expect_whole_frames(found);
    EXPECT_LT(found.copies, frames / 10) << "this was to test leases";
}

TEST_F(Integrity, CopiedFramesAreWhole) {
    const ChildProcess writer = start_writer(64 * 1024);
    ChildProcess reader = start_reader("latest", 0);
    const Findings found = findings_of(reader);
    expect_whole_frames(found);
    EXPECT_EQ(found.copies, frames);
}

TEST_F(Integrity, FramesCopiedWithoutALeaseAreWhole) {
    const ChildProcess writer = start_writer(128 * 1024, one_layout, min_slots);
    std::vector<Reader> others;  // take every place in the reader table
    for (unsigned i = 0; i < max_readers; ++i) {
        others.emplace_back(tag_, with_leases(0));
        ASSERT_TRUE(others.back().read(in_time));
    }
    ChildProcess reader = start_reader("latest", 2);
    const Findings found = findings_of(reader);
    expect_whole_frames(found);
    EXPECT_EQ(found.copies, frames);
}

TEST_F(Integrity, SmallFramesAreWhole) {
    const ChildProcess writer = start_writer(3 * 4096 + 8);
    ChildProcess leasing = start_reader("latest", 2);
    ChildProcess copying = start_reader("latest", 0);
    expect_whole_frames(findings_of(leasing));
    expect_whole_frames(findings_of(copying));
}

TEST_F(Integrity, FramesInFewSlotsAreWhole) {
    const ChildProcess writer = start_writer(64 * 1024, one_layout, min_slots);
    ChildProcess leasing = start_reader("latest", 2);
    ChildProcess copying = start_reader("latest", 0);
    expect_whole_frames(findings_of(leasing));
    expect_whole_frames(findings_of(copying));
}

TEST_F(Integrity, FramesReadInOrderAreWhole) {
    const ChildProcess writer = start_writer(16 * 1024);
    ChildProcess leasing = start_reader("every", 3);
    ChildProcess copying = start_reader("every", 0);
    expect_whole_frames(findings_of(leasing));
    expect_whole_frames(findings_of(copying));
}

TEST_F(Integrity, FramesAreWholeWhileTheLayoutChanges) {
    const ChildProcess writer = start_writer(20'000, 50);
    ChildProcess leasing = start_reader("latest", 3);
    ChildProcess copying = start_reader("latest", 0);
    for (ChildProcess* reader : {&leasing, &copying}) {
        const Findings found = findings_of(*reader);
        expect_whole_frames(found);
        EXPECT_GT(found.layouts, 3U) << "this was to test layout changes";
    }
}

TEST_F(Integrity, FramesAreWholeWhenEachHasAnotherLayout) {
    const ChildProcess writer = start_writer(9'000, 1);
    ChildProcess latest = start_reader("latest", 2);
    ChildProcess in_order = start_reader("every", 2);
    expect_whole_frames(findings_of(latest));
    expect_whole_frames(findings_of(in_order));
}

}  // namespace
}  // namespace ndsharray::test
