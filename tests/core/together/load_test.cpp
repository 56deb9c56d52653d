// SPDX-License-Identifier: BSD-3-Clause
// Load: many readers, tags, layouts and frames. What the processes hold is the same in the end as it was at
// the start.
#include "load.hpp"
#include "core_test.hpp"
#include "limits.hpp"
#include "remote.hpp"

#include <algorithm>
#include <future>
#include <vector>

namespace ndsharray::test {
namespace {

/// Waits until a thread that is just ending is gone. \returns whether there is no more than then.
::testing::AssertionResult is_as_before(const ProcessState& before) {
    ProcessState now;
    const bool same = wait_until([&] {
        now = process_state();
        return !now.has_more_than(before);
    });
    if (same && now.private_bytes < before.private_bytes + 4 * mebibyte)
        return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure()
           << "before: " << ::testing::PrintToString(before) << "\nnow: " << ::testing::PrintToString(now);
}

class Load : public CoreTest {
  protected:
    Load() { raise_file_limit(); }
};

// ---- many readers

class ManyReaders : public Load {
  protected:
    static constexpr std::uint64_t frames = 200;

    /// Each of 64 saw all frames in order, and one more did so by copying.
    static void expect_all_seen(const std::vector<Sight>& sights) {
        ASSERT_EQ(sights.size(), max_readers + 1);
        unsigned only_copies = 0;
        for (const Sight& sight : sights) {
            EXPECT_TRUE(sight.is_flawless());
            only_copies += sight.copies == sight.frames ? 1 : 0;
        }
        for (std::size_t i = 0; i < max_readers; ++i)
            EXPECT_EQ(sights[i].frames, frames) << i;
        EXPECT_EQ(sights.back().copies, sights.back().frames) << "there was no room for its leases";
        EXPECT_EQ(only_copies, 1U);
    }
};

TEST_F(ManyReaders, InProcessesOfTheirOwnGetEveryFrame) {
    Writer writer(tag_, {.backpressure = true});
    std::vector<ChildProcess> readers;
    for (unsigned i = 0; i < max_readers + 1; ++i) {
        const bool copies = i == max_readers;  // which nobody waits for
        readers.push_back(start_reading(tag_, copies ? with_leases(2) : in_order(), frames));
        ASSERT_EQ(readers.back().channel().receive(), "attached") << i;
    }
    ASSERT_EQ(writer.stats().readers, max_readers);
    ASSERT_EQ(write_to_the_end(writer, spec_, frames), frames);
    std::vector<Sight> sights;
    for (ChildProcess& reader : readers)
        sights.push_back(sight_of(reader, 3 * patience));
    expect_all_seen(sights);
    EXPECT_EQ(writer.stats().dropped, 0U);
}

TEST_F(ManyReaders, InThreadsOfOneProcessGetEveryFrame) {
    Writer writer(tag_, {.backpressure = true});
    std::vector<Reader> readers;
    for (unsigned i = 0; i < max_readers + 1; ++i) {
        readers.emplace_back(tag_, i == max_readers ? with_leases(2) : in_order());
        ASSERT_TRUE(attach(readers.back()));
    }
    std::vector<std::future<Sight>> reading;
    for (Reader& reader : readers)
        reading.push_back(std::async(std::launch::async, [&] { return read_to_the_end(reader, frames); }));
    ASSERT_EQ(write_to_the_end(writer, spec_, frames), frames);
    std::vector<Sight> sights;
    for (auto& sight : reading)
        sights.push_back(sight.get());
    expect_all_seen(sights);
}

TEST_F(ManyReaders, LeaveNothingWhenTheyGo) {
    Writer writer(tag_);
    const auto come_and_go = [&] {
        std::vector<Reader> readers;
        for (unsigned i = 0; i < max_readers + 1; ++i)
            readers.emplace_back(tag_);
        for (int i = 0; i < 3; ++i) {
            write_pattern(writer, spec_);
            for (Reader& reader : readers)
                EXPECT_TRUE(is_intact(reader.read(in_time)));
        }
    };
    come_and_go();
    ASSERT_TRUE(wait_until([] { return process_state().threads == 2; }))
        << "there are other threads than this one and the watcher's";
    const ProcessState before = process_state();
    for (int round = 0; round < 10; ++round)
        come_and_go();
    EXPECT_TRUE(is_as_before(before));
    EXPECT_EQ(writer.stats().readers, 0U);
}

// ---- many tags

constexpr int tag_count = 100;

/// Writers of some tags and readers of others, in one process.
class TagUser {
  public:
    TagUser(std::string tag, int first_written, int first_read, int count) : first_read_(first_read) {
        for (int i = 0; i < count; ++i) {
            writers_.emplace_back(tag + std::to_string(first_written + i),
                                  WriterOptions{.backpressure = true});
            readers_.emplace_back(tag + std::to_string(first_read + i), in_order());
        }
    }

    bool attach() {
        return std::ranges::all_of(readers_, [](Reader& reader) { return test::attach(reader); });
    }

    /// One frame through each tag; its size tells the tag. \returns whether all were right.
    bool write(int first_written) {
        int number = first_written;
        return std::ranges::all_of(
            writers_, [&](Writer& writer) { return write_pattern(writer, size_of(number++)) != 0; });
    }
    bool read() {
        int number = first_read_;
        return std::ranges::all_of(readers_, [&](Reader& reader) {
            const Frame frame = reader.read(in_time);
            return frame && frame.missed() == 0 && frame.spec() == size_of(number++) && is_intact(frame);
        });
    }

  private:
    static ArraySpec size_of(int number) { return bytes_spec(1000 + static_cast<std::uint64_t>(number)); }

    int first_read_;
    std::vector<Writer> writers_;
    std::vector<Reader> readers_;
};

/// Uses its share of the tags: writes some, reads those of the next process.
int use_tags(Channel& channel, const Arguments& arguments) {
    raise_file_limit();
    const int own = std::stoi(arguments.at(1)), others = std::stoi(arguments.at(2)),
              count = std::stoi(arguments.at(3)), frames = std::stoi(arguments.at(4));
    TagUser user(arguments.at(0), own, others, count);
    channel.send("open");
    channel.receive();
    channel.send(user.attach() ? "attached" : "not attached");
    channel.receive();
    for (int i = 0; i < frames; ++i)
        if (!user.write(own) || !user.read())
            return 1;
    channel.send("passed");
    channel.receive(std::nullopt);
    return 0;
}
const RegisteredRole use_tags_role("use_tags", use_tags);

class ManyTags : public Load {};

TEST_F(ManyTags, InOneProcessPassEveryFrameAndLeaveNothing) {
    const auto use = [&](int frames) {
        TagUser user(tag_, 0, 0, tag_count);
        ASSERT_TRUE(user.attach());
        for (int i = 0; i < frames; ++i)
            ASSERT_TRUE(user.write(0) && user.read()) << i;
    };
    use(2);
    const ProcessState before = process_state();
    use(50);
    EXPECT_TRUE(is_as_before(before));
}

TEST_F(ManyTags, InFourProcessesPassEveryFrame) {
    constexpr int processes = 4, each = tag_count / processes;
    std::vector<ChildProcess> users;
    for (int i = 0; i < processes; ++i)
        users.emplace_back(
            "use_tags", Arguments{tag_, std::to_string(i * each), std::to_string((i + 1) % processes * each),
                                  std::to_string(each), "50"});
    for (const std::string step : {"open", "attached", "passed"})
        for (ChildProcess& user : users) {
            ASSERT_EQ(user.channel().receive(3 * patience), step);
            if (&user == &users.back())
                for (ChildProcess& other : users)
                    other.channel().send("go on");
        }
    for (ChildProcess& user : users)
        EXPECT_EQ(user.wait_for_exit(), 0);
}

// ---- many layouts, many frames

TEST_F(Load, TenThousandLayoutsLeaveNothing) {
    constexpr std::uint64_t count = 10'000;
    Writer writer(tag_);
    Reader reader(tag_);
    ASSERT_EQ(pass_layouts(writer, reader, 2000), 2000U);
    ASSERT_TRUE(wait_until([] { return process_state().threads == 2; }))
        << "there are other threads than this one and the watcher's";
    const ProcessState before = process_state();
    EXPECT_EQ(pass_layouts(writer, reader, count), count);
    EXPECT_TRUE(is_as_before(before));
    EXPECT_EQ(directory_.entries().size(), 3U);
    EXPECT_EQ(writer.stats().dropped, 0U);
    EXPECT_EQ(reader.stats().copied, 0U);
}

TEST_F(Load, ManyFramesLeaveNothingOnEitherSide) {
    constexpr std::uint64_t count = 100'000;
    const ArraySpec picture = ArraySpec::contiguous(DType::UInt8, std::vector<std::uint64_t>{64, 64});
    Writer writer(tag_, {.backpressure = true});
    ChildProcess reading = start_reading(tag_, in_order(), count);
    ASSERT_EQ(reading.channel().receive(), "attached");
    for (int i = 0; i < 100; ++i)
        ASSERT_NE(write_pattern(writer, picture), 0U);
    ASSERT_TRUE(wait_until([] { return process_state().threads == 2; }))
        << "there are other threads than this one and the watcher's";
    const ProcessState before = process_state();
    ASSERT_EQ(write_to_the_end(writer, picture, count - 100), count - 100);
    EXPECT_TRUE(is_as_before(before));
    const Sight sight = sight_of(reading, 3 * patience);
    EXPECT_TRUE(sight.is_flawless());
    EXPECT_EQ(sight.frames, count);
    EXPECT_EQ(sight.missed, 0U);
    EXPECT_TRUE(sight.late.has_as_many(sight.early)) << ::testing::PrintToString(sight.early) << "\n"
                                                     << ::testing::PrintToString(sight.late);
    EXPECT_LT(sight.late.private_bytes, sight.early.private_bytes + 4 * mebibyte);
}

}  // namespace
}  // namespace ndsharray::test
