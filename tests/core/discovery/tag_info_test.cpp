// SPDX-License-Identifier: BSD-3-Clause
// Looking at a tag without being its reader.
#include "core_test.hpp"
#include "remote.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <thread>

namespace ndsharray::test {
namespace {

class TagInfoTest : public CoreTest {};

TEST_F(TagInfoTest, SaysThatThereIsNoSuchTag) {
    const Error error = error_of([&] { inspect(tag_); });
    EXPECT_EQ(error.code(), ErrorCode::NoSuchTag);
    EXPECT_TRUE(contains(error.what(), tag_)) << error.what();
    EXPECT_EQ(error_of([&] { inspect("a/b"); }).code(), ErrorCode::InvalidTag);
    EXPECT_EQ(error_of([&] { inspect(tag_, "nobody-of-that-name"); }).code(), ErrorCode::InvalidArgument);
}

TEST_F(TagInfoTest, DescribesAWriterInAnotherProcess) {
    WriterOptions options;
    options.slots = 5;
    options.permissions = 0640;
    options.backpressure = true;
    RemoteWriter writer(tag_, options);
    const TagInfo before = inspect(tag_);
    EXPECT_TRUE(before.alive);
    EXPECT_EQ(before.state, TagState::Live);
    EXPECT_EQ(before.generation, 0U);
    EXPECT_EQ(before.published, 0U);
    EXPECT_EQ(before.last_published, no_time);
    EXPECT_EQ(before.segment, "");

    writer.write(3);
    const TagInfo info = inspect(tag_);
    EXPECT_EQ(info.tag, tag_);
    EXPECT_EQ(info.writer_pid, static_cast<std::uint32_t>(writer.pid()));
    EXPECT_EQ(info.spec, spec_);
    EXPECT_EQ(info.slots, 5U);
    EXPECT_EQ(info.generation, 1U);
    EXPECT_EQ(info.segment, segment_file().filename());
    EXPECT_EQ(info.published, 3U);
    EXPECT_TRUE(info.backpressure);
    EXPECT_FALSE(info.compat);
    EXPECT_EQ(info.permissions, 0640U);
    EXPECT_FALSE(info.owner.empty());
    EXPECT_GE(info.memory_bytes, std::filesystem::file_size(segment_file()));
    EXPECT_TRUE(info.readers.empty());
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const auto age = now - std::chrono::nanoseconds(info.last_published);
    EXPECT_TRUE(age >= 0ns && age < patience) << age.count();

    writer.end_of_stream();
    EXPECT_EQ(inspect(tag_).state, TagState::Ended);
    writer.close();
    EXPECT_EQ(error_of([&] { inspect(tag_); }).code(), ErrorCode::NoSuchTag);
}

TEST_F(TagInfoTest, HasTheAttributesAndFollowsAChangeOfLayout) {
    Writer writer(tag_);
    const Attributes attributes{{"caps", "video/x-raw"}, {"empty", ""}};
    writer.configure(spec_, attributes);
    ASSERT_NE(write_pattern(writer, spec_), 0U);
    EXPECT_EQ(inspect(tag_).attributes, attributes);
    const std::uint64_t shape[] = {4, 6};
    const ArraySpec other = ArraySpec::contiguous(DType::Float32, shape);
    ASSERT_NE(write_pattern(writer, other), 0U);
    const TagInfo info = inspect(tag_);
    EXPECT_EQ(info.generation, 2U);
    EXPECT_EQ(info.spec, other);
    EXPECT_EQ(info.segment, writer.segment_name());
}

TEST_F(TagInfoTest, CountsTheMemoryOfAllFiles) {
    WriterOptions options;
    options.compat = true;
    Writer writer(tag_, options);
    const ArraySpec spec = bytes_spec(1000 * 1000);
    ASSERT_NE(write_pattern(writer, spec), 0U);
    std::uint64_t bytes = 0;
    for (const auto& name : directory_.entries()) {
        struct stat status {};
        ASSERT_EQ(::stat((directory_.path() / name).c_str(), &status), 0);
        bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
    }
    EXPECT_EQ(inspect(tag_).memory_bytes, bytes);
    EXPECT_TRUE(inspect(tag_).compat);
}

TEST_F(TagInfoTest, MeasuresTheRateFromTheFramesThemselves) {
    Writer writer(tag_);
    EXPECT_EQ(inspect(tag_).rate, 0);
    std::vector<std::int64_t> times;
    Reader reader(tag_);
    TagInfo info;
    // On a busy machine a frame may be so late that there is no rate.
    ASSERT_TRUE(wait_until([&] {
        EXPECT_NE(write_pattern(writer, spec_), 0U);
        times.push_back(reader.read(in_time).info().published);
        std::this_thread::sleep_for(20ms);  // the interval that is measured
        info = inspect(tag_);
        return times.size() >= 4 && info.rate != 0;
    }));
    EXPECT_EQ(info.last_published, times.back());
    // Which frames are still there is the writer's business; the rate is that of a run that ends with the
    // last.
    bool found = false;
    for (std::size_t first = 0; first + 1 < times.size(); ++first) {
        const double rate = 1e9 * static_cast<double>(times.size() - 1 - first) /
                            static_cast<double>(times.back() - times[first]);
        found = found || std::abs(info.rate - rate) < 1e-6;
    }
    EXPECT_TRUE(found) << info.rate;
    // Nothing comes any more.
    EXPECT_TRUE(wait_until([&] { return inspect(tag_).rate == 0; }));
}

// A pipeline has the next frame in hand all the time; without readers two slots are enough for it.
TEST_F(TagInfoTest, MeasuresTheRateOfAWriterThatHasTheNextFrameInHand) {
    Writer writer(tag_);
    writer.configure(spec_);
    std::vector<std::int64_t> times;
    WritableFrame next = writer.acquire();
    ASSERT_TRUE(wait_until([&] {
        std::this_thread::sleep_for(20ms);  // the interval that is measured
        EXPECT_NE(writer.publish(std::move(next)), 0U);
        next = writer.acquire();
        const TagInfo info = inspect(tag_);
        times.push_back(info.last_published);
        const std::size_t count = times.size();
        return count >= 2 && info.rate != 0 &&
               std::abs(info.rate - 1e9 / static_cast<double>(times[count - 1] - times[count - 2])) < 1e-6;
    })) << inspect(tag_).rate;
}

TEST_F(TagInfoTest, ListsTheReadersWithTheirCounters) {
    RemoteWriter writer(tag_);
    RemoteReader latest(tag_, with_leases(3));
    RemoteReader every(tag_, in_order());
    writer.write();
    ASSERT_TRUE(latest.hold());
    ASSERT_TRUE(every.read());
    writer.write();
    ASSERT_TRUE(latest.hold());
    ASSERT_TRUE(every.read());
    every.suspend(true);

    TagInfo info = inspect(tag_);
    ASSERT_EQ(info.readers.size(), 2U);
    const auto of = [&](pid_t pid) -> TagReader {
        for (const TagReader& reader : info.readers)
            if (reader.pid == static_cast<std::uint32_t>(pid))
                return reader;
        ADD_FAILURE() << "no reader " << pid;
        return {};
    };
    const TagReader first = of(latest.pid());
    EXPECT_TRUE(first.alive);
    EXPECT_EQ(first.mode, ReadMode::Latest);
    EXPECT_EQ(first.leased, 2U);
    EXPECT_EQ(first.frames, 2U);
    EXPECT_GT(first.latency_ns, 0U);
    EXPECT_LT(std::chrono::nanoseconds(first.latency_ns), patience);
    EXPECT_FALSE(first.suspended);
    const TagReader second = of(every.pid());
    EXPECT_EQ(second.mode, ReadMode::Every);
    EXPECT_TRUE(second.suspended);
    EXPECT_EQ(second.leased, 0U);
    EXPECT_EQ(second.cursor, 3U);
    EXPECT_EQ(second.frames, 2U);

    every.close();
    info = inspect(tag_);
    ASSERT_EQ(info.readers.size(), 1U);
    latest.kill();
    EXPECT_TRUE(wait_until([&] {
        info = inspect(tag_);
        return info.readers.empty() || !info.readers[0].alive;
    }));
    writer.close();
}

TEST_F(TagInfoTest, TellsADeadWriter) {
    RemoteWriter writer(tag_);
    writer.write(2);
    EXPECT_EQ(tag_names(), std::vector{tag_});
    const auto pid = static_cast<std::uint32_t>(writer.pid());
    writer.kill();
    const TagInfo info = inspect(tag_);
    EXPECT_FALSE(info.alive);
    EXPECT_EQ(info.published, 2U);
    EXPECT_EQ(info.writer_pid, pid);
    EXPECT_EQ(tag_names(), std::vector{tag_});
    EXPECT_EQ(tags(), std::vector<std::string>{});

    RemoteWriter next(tag_);
    next.write();
    const TagInfo taken_over = inspect(tag_);
    EXPECT_TRUE(taken_over.alive);
    EXPECT_GT(taken_over.epoch, info.epoch);
    EXPECT_EQ(taken_over.published, 3U);
    next.close();
}

TEST_F(TagInfoTest, BelongsTogetherWhileTheLayoutChangesAllTheTime) {
    Writer writer(tag_);
    ASSERT_NE(write_pattern(writer, bytes_spec(1)), 0U);
    std::atomic<bool> stop{false};
    std::thread changing([&] {
        // The number of bytes is that of the generation.
        for (std::uint64_t bytes = 2; !stop; ++bytes)
            write_pattern(writer, bytes_spec(bytes));
    });
    unsigned with_segment = 0;
    for (int i = 0; i < 300; ++i) {
        try {
            const TagInfo info = inspect(tag_);
            with_segment += info.generation != 0 ? 1 : 0;
            EXPECT_TRUE(info.generation == 0 || info.spec == bytes_spec(info.generation)) << info.generation;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::System) << error.what();
        }
    }
    stop = true;
    changing.join();
    EXPECT_GT(with_segment, 0U);
}

TEST_F(TagInfoTest, DoesNotCountAsAReaderNorDisturb) {
    Writer writer(tag_);
    ASSERT_NE(write_pattern(writer, spec_), 0U);
    Reader reader(tag_);
    ASSERT_TRUE(reader.read(in_time));
    // Not the segment: a thread of the writer still makes slots ready.
    const Path names[] = {file(), file(".readers")};
    const auto content = [&](const Path& path) {
        std::ifstream stream(path, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(stream), {});
    };
    std::vector<std::string> before;
    for (const Path& name : names)
        before.push_back(content(name));
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(inspect(tag_).readers.size(), 1U);
    for (std::size_t i = 0; i < before.size(); ++i)
        EXPECT_EQ(content(names[i]), before[i]) << names[i];
    EXPECT_EQ(writer.stats().readers, 1U);
}

// ---- files that are not what they should be

class HostileTag : public CoreTest {
  protected:
    void SetUp() override {
        writer_.emplace(tag_);
        writer_->write(4);
        segment_ = segment_file();
    }
    void TearDown() override {
        writer_->kill();
        directory_.clear();
    }

    static void overwrite(const Path& path, std::size_t offset, const std::string& bytes) {
        std::fstream stream(path, std::ios::binary | std::ios::in | std::ios::out);
        stream.seekp(static_cast<std::streamoff>(offset));
        stream << bytes;
    }

    /// Code of what inspect() throws, and that it names the file.
    ErrorCode code_naming(const Path& path) {
        const Error error = error_of([&] { inspect(tag_); });
        EXPECT_TRUE(contains(error.what(), path.string())) << error.what();
        return error.code();
    }

    std::optional<RemoteWriter> writer_;
    Path segment_;
};

TEST_F(HostileTag, WithATruncatedFileIsDamaged) {
    for (const Path& path : {file(".readers"), segment_, file()}) {
        std::filesystem::resize_file(path, 40);
        EXPECT_EQ(code_naming(path), ErrorCode::Damaged);
    }
}

TEST_F(HostileTag, WithAFifoOrSymlinkOrDirectoryIsNotRegular) {
    for (const Path& path : {file(".readers"), segment_, file()}) {
        std::filesystem::remove(path);
        ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
        EXPECT_EQ(code_naming(path), ErrorCode::NotRegular);
        std::filesystem::remove(path);
        std::filesystem::create_symlink("/etc/passwd", path);
        EXPECT_EQ(code_naming(path), ErrorCode::NotRegular);
        std::filesystem::remove(path);
        std::filesystem::create_directory(path);
        EXPECT_EQ(code_naming(path), ErrorCode::NotRegular);
    }
}

TEST_F(HostileTag, OfAnotherVersionIsUnsupported) {
    for (const Path& path : {file(".readers"), segment_, file()}) {
        overwrite(path, 8, std::string("\x07", 1));
        EXPECT_EQ(code_naming(path), ErrorCode::UnsupportedVersion);
    }
}

TEST_F(HostileTag, WithRandomBytesAnywhereIsAnErrorOrAPlainAnswer) {
    std::mt19937 random(7);
    const Path paths[] = {segment_, file(".readers"), file()};
    std::vector<std::string> originals;
    for (const Path& path : paths) {
        std::ifstream stream(path, std::ios::binary);
        originals.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
    }
    for (int round = 0; round < 200; ++round) {
        const std::size_t which = random() % std::size(paths);
        // The first kilobytes are what inspect() looks at.
        const std::size_t offset = random() % std::min<std::size_t>(originals[which].size() - 8, 3000);
        std::string bytes(8, '\0');
        for (char& byte : bytes)
            byte = random() % 3 == 0 ? '\xff' : static_cast<char>(random());
        overwrite(paths[which], offset, bytes);
        try {
            const TagInfo info = inspect(tag_);
            EXPECT_LE(info.slots, max_slots);
            EXPECT_LE(info.readers.size(), max_readers);
            EXPECT_TRUE(info.rate >= 0 && info.rate < 1e10) << info.rate;
            EXPECT_TRUE(info.generation == 0 || info.spec.problem().empty());
            for (const TagReader& reader : info.readers)
                EXPECT_LE(reader.leased, info.slots);
        } catch (const Error& error) {
            EXPECT_NE(error.code(), ErrorCode::None);
        }
        overwrite(paths[which], offset, originals[which].substr(offset, 8));
    }
    EXPECT_EQ(inspect(tag_).published, 4U);
}

TEST_F(CoreTest, TagNamesAreThoseOfControlFilesWhateverTheyAre) {
    for (const char* name : {"ndsh.b", "ndsh.a", "ndsh.a.readers", "ndsh..c", "other",
                             "ndsh.a.00112233445566778899aabbccddeeff"})
        std::ofstream(directory_.path() / name) << "x";
    EXPECT_EQ(tag_names(), (std::vector<std::string>{"a", "b"}));
    directory_.clear();
}

}  // namespace
}  // namespace ndsharray::test
