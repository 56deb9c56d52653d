// SPDX-License-Identifier: BSD-3-Clause
// Elements without enough shared memory or file descriptors: fewer slots with a warning, or an error with
// both numbers, as gst-launch-1.0 prints them.
#include "gst_test.hpp"

#include <ndsharray/tag.hpp>
#include <ndsharray/writer.hpp>

#include <support/child_process.hpp>
#include <support/small_file_system.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <regex>
#include <string>

#include "remote_pipeline.hpp"

namespace ndsharray::test {
namespace {

/// Runs gst-launch-1.0 in a small file system. Says what it prints, how it ended and what it left.
int launch(Channel& channel, const Arguments& arguments) {
    if (!mount_small_file_system(arguments.at(0))) {
        channel.send("not permitted");
        return 0;
    }
    const std::string command = "gst-launch-1.0 " + arguments.at(1) + " 2>&1";
    const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "r"),
                                                       [](FILE*) { return 0; });
    std::string text;
    for (int character; (character = std::fgetc(output.get())) != EOF;)
        text += static_cast<char>(character);
    const int status = ::pclose(output.get());
    text += WIFEXITED(status) ? "\nexit code " + std::to_string(WEXITSTATUS(status))
                              : "\nsignal " + std::to_string(WTERMSIG(status));
    text += std::filesystem::is_empty(directory()) ? "\nleft nothing" : "\nleft files";
    channel.send(text);
    return 0;
}
const RegisteredRole launch_role("launch", launch);

/// A source that waits for its writer and then has no file descriptors left.
int read_without_files(Channel& channel, const Arguments& arguments) {
    gst_init(nullptr, nullptr);
    Pipeline pipeline("ndshsrc tag=" + arguments.at(0) + " ! fakesink");
    pipeline.play();
    const int lowest = ::dup(STDERR_FILENO);
    ::close(lowest);
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = static_cast<rlim_t>(lowest);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    channel.send("waiting");
    channel.send(pipeline.error().sentence);
    return 0;
}
const RegisteredRole read_without_files_role("read_without_files", read_without_files);

class NoRoom : public GstTest {
  protected:
    static std::string launched(const std::string& size, const std::string& line) {
        ChildProcess process("launch", {size, line});
        return process.channel().receive(4 * patience).value_or("nothing");
    }
};

const std::string hd = "videotestsrc num-buffers=5 ! video/x-raw,format=RGB,width=1920,height=1080 ! ";

class SmallSharedMemory : public NoRoom {
  protected:
    void SetUp() override {
        if (launched("1m", "--version") == "not permitted")
            GTEST_SKIP() << "it takes root, or a user namespace, to mount a file system";
    }
};

TEST_F(SmallSharedMemory, TakesFewerSlotsWithAWarning) {
    const std::string output = launched("26m", hd + "ndshsink tag=cam0");
    EXPECT_TRUE(contains(output, "WARNING: from element")) << output;
    EXPECT_TRUE(contains(output, "Only 3 frames instead of 8 fit into shared memory")) << output;
    EXPECT_TRUE(contains(output, "exit code 0\nleft nothing")) << output;
}

TEST_F(SmallSharedMemory, WithTooLittleIsAnErrorWithBothNumbers) {
    for (const std::string size : {"64k", "1m", "17m"}) {
        const std::string output = launched(size, hd + "ndshsink tag=cam0");
        EXPECT_TRUE(contains(output, "ERROR: from element")) << output;
        EXPECT_TRUE(std::regex_search(output, std::regex("[0-9]{7,} bytes needed, [0-9]+ free"))) << output;
        EXPECT_FALSE(contains(output, "signal")) << output;
        EXPECT_TRUE(contains(output, "left nothing")) << output;
    }
}

TEST_F(SmallSharedMemory, WithoutRoomForATagIsAnErrorWithBothNumbers) {
    const std::string output = launched("4k", hd + "ndshsink tag=cam0");
    EXPECT_TRUE(contains(output, "ERROR: from element")) << output;
    EXPECT_TRUE(std::regex_search(output, std::regex("[0-9]{3,} bytes needed, [0-9]+ free"))) << output;
    EXPECT_TRUE(contains(output, "left nothing")) << output;
}

TEST_F(SmallSharedMemory, WithChosenSlotsThatDoNotFitIsAnErrorWithBothNumbers) {
    const std::string output = launched("30m", hd + "ndshsink tag=cam0 slots=8");
    EXPECT_TRUE(std::regex_search(output, std::regex("no room for 8 frames.*bytes needed, [0-9]+ free")))
        << output;
    EXPECT_TRUE(contains(output, "left nothing")) << output;
}

TEST_F(SmallSharedMemory, OfAContainerHoldsEightFrames) {
    const std::string output = launched("64m", hd + "ndshsink tag=cam0");
    EXPECT_FALSE(contains(output, "WARNING")) << output;
    EXPECT_TRUE(contains(output, "exit code 0\nleft nothing")) << output;
}

TEST_F(NoRoom, ASourceWithoutFileDescriptorsSaysSo) {
    ChildProcess source("read_without_files", {tag_});
    ASSERT_EQ(source.channel().receive(4 * patience), "waiting");
    Writer writer(tag_);
    const std::uint64_t shape[] = {10, 10};
    writer.configure(ArraySpec::contiguous(DType::UInt8, shape));
    writer.publish(writer.acquire(patience));
    const std::string sentence = source.channel().receive(4 * patience).value_or("nothing");
    EXPECT_TRUE(contains(sentence, "ulimit -n")) << sentence;
    EXPECT_TRUE(contains(sentence, directory_.path().string())) << sentence;
}

}  // namespace
}  // namespace ndsharray::test
