// SPDX-License-Identifier: BSD-3-Clause
// Who shares a file system with a writer that asks for more than there is finds the room that the writer does
// not get; who shares a process with one whose layout takes the kernel long does not wait for it.
#include "core_test.hpp"
#include "limits.hpp"
#include "remote.hpp"
#include "scenes.hpp"

#include <support/background_call.hpp>
#include <support/child_process.hpp>
#include <support/small_file_system.hpp>
#include <support/system_calls.hpp>

#include <fcntl.h>
#include <sys/syscall.h>
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

/// Less than a test waits for a scene, so that it hears what waited.
const std::chrono::seconds soon = patience / 10;

/// Whether each of these comes back while the kernel works on a layout of this writer.
std::string what_waits_for(Writer& busy, HeldSystemCall& slow) {
    BackgroundCall<WriterStats> stats([&] { return busy.stats(); });
    BackgroundCall<std::string> segment([&] { return busy.segment_name(); });
    BackgroundCall<int> error([&] { return static_cast<int>(busy.error().code()); });
    BackgroundCall<int> callback([&] {
        busy.on_reader_change([](const ReaderChange&) {});
        return 0;
    });
    std::string waits;
    const auto look = [&](const char* name, auto& call) {
        if (!call.comes_back(soon))
            waits += std::string(name) + " waits, ";
    };
    look("stats", stats);
    look("segment_name", segment);
    look("error", error);
    look("on_reader_change", callback);
    if (!waits.empty())
        slow.release();
    return waits;
}

const RegisteredScenes neighbour_scenes({
    {"slow_kernel",
     [](const std::string& tag) -> std::string {
         HeldSystemCall slow(SYS_fallocate);
         Writer busy(tag + ".busy");
         busy.on_reader_change([](const ReaderChange&) {});
         RemoteReader its_reader(tag + ".busy");
         std::thread configuring([&] {
             slow.hold_this_thread();
             busy.configure(bytes_spec(mebibyte));
         });
         std::string said = slow.holds() ? what_waits_for(busy, slow) : "is not held, ";
         // Its coming calls for a look at the busy writer's readers.
         its_reader.read(std::chrono::milliseconds(0));
         Reader reader(tag);
         BackgroundCall<Frame> reading([&] { return reader.read(); });
         if (!reading.blocks())
             said += "is not awaited, ";
         Writer writer(tag);
         write_pattern(writer, bytes_spec(5000));
         said += reading.comes_back(soon) ? "the other tag does not wait" : "the other tag waits";
         slow.release();
         configuring.join();
         return said + (busy.stats().readers == 1 ? "" : ", the reader is lost");
     }},
});

class SlowKernel : public SceneTest {};

TEST_F(SlowKernel, IsWaitedForByWhoAsksForALayoutAlone) {
    EXPECT_EQ(outcome_of("slow_kernel"), "the other tag does not wait");
}

}  // namespace
}  // namespace ndsharray::test
