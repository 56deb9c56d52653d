// SPDX-License-Identifier: BSD-3-Clause
// Where inotify is not to be had (a sandbox, no instances left), readers look for themselves.
#include "core_test.hpp"
#include "remote.hpp"

#include <support/child_process.hpp>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <stdexcept>

namespace ndsharray::test {
namespace {

/// Lets inotify_init1() fail in this process, from here on, as where no instances are left.
void do_without_inotify() {
    sock_filter instructions[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_inotify_init1, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EMFILE),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{4, instructions};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        throw std::runtime_error("seccomp");
}

/// Says each change of what read() returns: "frame", "disconnected"; a timeout is none. Until told to stop.
int run_unwatched_reader(Channel& channel, const Arguments& arguments) {
    do_without_inotify();
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
    EXPECT_EQ(reader.wait_for_exit(), 0);
}

INSTANTIATE_TEST_SUITE_P(Of, WithoutInotify, ::testing::Values("0", "20", "5000"),
                         [](const auto& info) { return std::string("TimeoutOf") + info.param + "Ms"; });

}  // namespace
}  // namespace ndsharray::test
