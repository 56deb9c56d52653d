// SPDX-License-Identifier: BSD-3-Clause
// Where inotify is not to be had (a sandbox, no instances left), readers look for themselves.
#include "core_test.hpp"
#include "remote.hpp"

#include <support/child_process.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace {

/// Whether inotify_init1() fails in this process, as where no instances are left.
std::atomic<bool> without_inotify{false};
std::atomic<unsigned> refused{0};

}  // namespace

// Before the C library's, for the whole process. (Not by seccomp, which emulators of other processors do not
// have.)
extern "C" int inotify_init1(int flags) noexcept {
    if (!without_inotify)
        return static_cast<int>(::syscall(SYS_inotify_init1, flags));
    ++refused;
    errno = EMFILE;
    return -1;
}

namespace ndsharray::test {
namespace {

/// Says each change of what read() returns: "frame", "disconnected"; a timeout is none. Until told to stop.
int run_unwatched_reader(Channel& channel, const Arguments& arguments) {
    without_inotify = true;
    Reader reader(arguments.at(0));
    const std::chrono::milliseconds timeout(std::stoi(arguments.at(1)));
    const unsigned changes = 3;
    std::string last;
    for (unsigned seen = 0; seen < changes;) {
        const Frame frame = reader.read(timeout);
        const std::string now(name(frame.status()));
        if (frame.status() == ReadStatus::Timeout || now == last)
            continue;
        last = now;
        ++seen;
        channel.send(now);
    }
    channel.send(refused > 0 ? "without inotify" : "with inotify");
    return 0;
}

const RegisteredRole unwatched_reader("unwatched_reader", run_unwatched_reader);

/// With how long a timeout it reads, in ms; 0: it polls.
class WithoutInotify : public CoreTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(WithoutInotify, ReaderNoticesWritersThatComeDieAndComeBack) {
    ChildProcess reader("unwatched_reader", {tag_, GetParam()});
    RemoteWriter writer(tag_);
    writer.write();
    EXPECT_EQ(reader.channel().receive(), name(ReadStatus::Frame));
    writer.kill();
    EXPECT_EQ(reader.channel().receive(), name(ReadStatus::Disconnected));
    Writer successor(tag_);
    write_pattern(successor, spec_);
    EXPECT_EQ(reader.channel().receive(), name(ReadStatus::Frame));
    EXPECT_EQ(reader.channel().receive(), "without inotify");
    EXPECT_EQ(reader.wait_for_exit(), 0);
}

INSTANTIATE_TEST_SUITE_P(Of, WithoutInotify, ::testing::Values("0", "20", "5000"),
                         [](const auto& info) { return std::string("TimeoutOf") + info.param + "Ms"; });

}  // namespace
}  // namespace ndsharray::test
