// SPDX-License-Identifier: BSD-3-Clause
// Who shares a file system with a writer that asks for more than there is: its own files always find the room
// that the writer does not get.
#include "core_test.hpp"
#include "limits.hpp"

#include <support/child_process.hpp>
#include <support/small_file_system.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

namespace ndsharray::test {
namespace {

/// Takes room and gives it back, many times. \returns how often there was none.
unsigned refusals_in(unsigned times, std::uint64_t bytes) {
    const std::string path = directory() + "/neighbour";
    unsigned refusals = 0;
    for (unsigned i = 0; i < times; ++i) {
        const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        refusals += ::posix_fallocate(file, 0, static_cast<off_t>(bytes)) == 0 ? 0 : 1;
        ::close(file);
        ::unlink(path.c_str());
    }
    return refusals;
}

/// A writer that asks for 72 MiB of 64, again and again, until its neighbour has had 16 many times.
int ask_for_too_much(Channel& channel, const Arguments& arguments) {
    if (!mount_small_file_system(64 * mebibyte)) {
        channel.send("not permitted");
        return 0;
    }
    Writer writer(arguments.at(0), {.slots = 3});
    std::atomic<bool> done{false};
    unsigned refusals = 0;
    std::thread neighbour([&] {
        refusals = refusals_in(50, 16 * mebibyte);
        done = true;
    });
    unsigned asked = 0;
    unsigned refused = 0;
    while (!done || asked == 0) {
        refused +=
            error_of([&] { writer.configure(bytes_spec(24 * mebibyte)); }).code() == ErrorCode::NoSpace;
        ++asked;
    }
    neighbour.join();
    channel.send(std::string(refused == asked ? "writer refused" : "writer not always refused") +
                 ", neighbour " + (refusals == 0 ? "never" : std::to_string(refusals) + " times"));
    return 0;
}
const RegisteredRole ask_for_too_much_role("ask_for_too_much", ask_for_too_much);

class Neighbour : public CoreTest {
  protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "it takes root to mount a file system";
    }
};

TEST_F(Neighbour, FindsRoomWhileAWriterIsRefused) {
    ChildProcess process("ask_for_too_much", {tag_});
    EXPECT_EQ(process.channel().receive().value_or("nothing"), "writer refused, neighbour never");
    EXPECT_EQ(process.wait_for_exit(), 0);
}

}  // namespace
}  // namespace ndsharray::test
