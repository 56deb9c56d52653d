// SPDX-License-Identifier: BSD-3-Clause
// Finding and removing what crashed writers left, and nothing else.
#include "core_test.hpp"
#include "one_x.hpp"
#include "remote.hpp"

#include <support/background_call.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

namespace ndsharray::test {
namespace {

class LeftoversTest : public CoreTest {
  protected:
    static std::vector<std::string> names_of(const Leftovers& leftovers) {
        std::vector<std::string> names;
        for (const LeftoverFile& file : leftovers.files)
            names.push_back(file.name);
        return names;
    }

    void make_file(const std::string& name) const {
        std::ofstream(directory_.path() / name) << std::string(10000, 'x');
    }

    static void leave_behind(const std::string& tag, const WriterOptions& options = {}) {
        RemoteWriter writer(tag, options);
        writer.write(2);
        writer.kill();
    }
};

TEST_F(LeftoversTest, AreFoundAndRemovedWithTheirBytes) {
    WriterOptions options;
    options.compat = true;
    leave_behind(tag_, options);
    const std::vector<std::string> entries = directory_.entries();
    ASSERT_EQ(entries.size(), 5U);
    const auto found = find_leftovers();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].tag, tag_);
    EXPECT_EQ(names_of(found[0]), entries);
    for (const LeftoverFile& file : found[0].files)
        EXPECT_GT(file.bytes, 0U) << file.name;
    EXPECT_EQ(directory_.entries(), entries) << "finding removes nothing";

    const Leftovers removed = remove_leftovers(tag_);
    EXPECT_EQ(names_of(removed), entries);
    EXPECT_EQ(directory_.entries(), std::vector<std::string>{});
    EXPECT_TRUE(find_leftovers().empty());
    EXPECT_TRUE(remove_leftovers(tag_).files.empty());
}

TEST_F(LeftoversTest, IncludeTheFileOf1xOfAWriterThatDiedBeforeItsFirstFrame) {
    WriterOptions options;
    options.compat = true;
    RemoteWriter(tag_, options).kill();
    const std::vector<std::string> entries = directory_.entries();
    ASSERT_TRUE(std::filesystem::exists(directory_.path() / tag_));
    ASSERT_EQ(find_leftovers().size(), 1U);
    EXPECT_EQ(names_of(find_leftovers()[0]), entries);
    EXPECT_EQ(names_of(remove_leftovers(tag_)), entries);
    EXPECT_EQ(directory_.entries(), std::vector<std::string>{});
}

TEST_F(LeftoversTest, AreNotTheFilesOfAWriterOf1xThatStartedSince) {
    WriterOptions options;
    options.compat = true;
    leave_behind(tag_, options);
    OldWriter other(directory_.path(), tag_);
    other.write({10}, pattern(10, 1));
    const std::vector<std::string> its{other.control().filename(), other.data().filename()};
    ASSERT_EQ(directory_.entries().size(), 6U);
    ASSERT_EQ(find_leftovers().size(), 1U);
    EXPECT_EQ(find_leftovers()[0].files.size(), 4U);
    EXPECT_EQ(remove_leftovers(tag_).files.size(), 4U);
    EXPECT_EQ(directory_.entries(), its);
    EXPECT_TRUE(OldReader(directory_.path(), tag_).read(1).is_valid);
    directory_.clear();
}

TEST_F(LeftoversTest, AreNotWhatALivingWriterHas) {
    WriterOptions options;
    options.compat = true;
    RemoteWriter writer(tag_, options);
    writer.write(2);
    const std::vector<std::string> entries = directory_.entries();
    EXPECT_TRUE(find_leftovers().empty());
    EXPECT_TRUE(remove_leftovers(tag_).files.empty());
    EXPECT_EQ(directory_.entries(), entries);
    writer.write();
    writer.close();
}

TEST_F(LeftoversTest, WithoutAControlFileAreRemoved) {
    const std::vector<std::string> names{"ndsh..cam0.00112233445566778899aabbccddeeff",
                                         "ndsh.cam0.00112233445566778899aabbccddeeff", "ndsh.cam0.readers"};
    for (const std::string& name : names)
        make_file(name);
    ASSERT_EQ(find_leftovers().size(), 1U);
    EXPECT_EQ(names_of(find_leftovers()[0]), names);
    EXPECT_EQ(names_of(remove_leftovers(tag_)), names);
}

TEST_F(LeftoversTest, AreOnlyFilesWithNamesOfATag) {
    const std::vector<std::string> others{
        "cam0", "cam0_00112233445566778899aabbccddeeff", "ndsh.", "ndsharray", "ndsh.bad tag", "other"};
    for (const std::string& name : others)
        make_file(name);
    std::filesystem::create_directory(directory_.path() / "ndsh.folder");
    std::filesystem::create_symlink("other", directory_.path() / "ndsh.link.readers");
    EXPECT_TRUE(find_leftovers().empty());
    for (const char* tag : {"cam0", "folder", "link"})
        EXPECT_TRUE(remove_leftovers(tag).files.empty());
    EXPECT_EQ(directory_.entries().size(), others.size() + 2);
    directory_.clear();
    std::filesystem::remove(directory_.path() / "ndsh.folder");
}

TEST_F(LeftoversTest, WithADamagedControlFileStayWithAnError) {
    make_file("ndsh.cam0");
    const std::vector<std::string> entries = directory_.entries();
    EXPECT_EQ(error_of([&] { remove_leftovers(tag_); }).code(), ErrorCode::Damaged);
    EXPECT_EQ(directory_.entries(), entries);
    directory_.clear();
}

TEST_F(LeftoversTest, RemovedUnderAReaderLetItGoOnToTheNextWriter) {
    Reader reader(tag_);
    {
        RemoteWriter writer(tag_);
        writer.write();
        ASSERT_TRUE(reader.read(in_time));
        writer.kill();
    }
    EXPECT_FALSE(remove_leftovers(tag_).files.empty());
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Disconnected);
    RemoteWriter next(tag_);
    next.write();
    const Frame frame = reader.read(in_time);
    EXPECT_EQ(frame.status(), ReadStatus::Frame);
    EXPECT_EQ(frame.number(), 1U);
    next.close();
}

TEST_F(LeftoversTest, BeingRemovedDoNotMakeTheTagInUse) {
    leave_behind(tag_);
    const int cleaning = ::open(file().c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_len = 1;
    ASSERT_EQ(::fcntl(cleaning, F_OFD_SETLK, &lock), 0);
    BackgroundCall<std::string> starting([&]() -> std::string {
        try {
            Writer writer(tag_);
            return "started";
        } catch (const Error& error) {
            return error.what();
        }
    });
    // It sleeps a millisecond between two looks at the lock, and waits 100 ms for a writer that lives.
    EXPECT_TRUE(wait_until([&] { return voluntary_switches(starting.thread()) >= 200; }));
    ::close(cleaning);
    EXPECT_EQ(starting.result(), "started");
}

TEST_F(LeftoversTest, RemovedAllTheTimeNeverDisturbWritersThatStart) {
    std::atomic<unsigned> removed{0};
    std::jthread removing([&](const std::stop_token& stop) {
        while (!stop.stop_requested())
            if (!remove_leftovers(tag_).files.empty())
                ++removed;
    });
    for (unsigned round = 0; round < 40; ++round) {
        // No "tag in use", no file gone from under it, and a reader gets its frames.
        Writer writer(tag_);
        ASSERT_NE(write_pattern(writer, spec_), 0U);
        Reader reader(tag_);
        const Frame frame = reader.read(in_time);
        ASSERT_EQ(frame.status(), ReadStatus::Frame) << reader.error().what();
        EXPECT_TRUE(std::filesystem::exists(file()) && std::filesystem::exists(file(".readers")));
        EXPECT_FALSE(segment_file().empty());
        writer.close();
        leave_behind(tag_);
        if (round % 4 == 0) {
            EXPECT_TRUE(wait_until([&] { return directory_.entries().empty(); }));
        }
    }
    removing.request_stop();
    removing.join();
    EXPECT_GT(removed, 0U);
    remove_leftovers(tag_);
}

}  // namespace
}  // namespace ndsharray::test
