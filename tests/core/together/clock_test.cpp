// SPDX-License-Identifier: BSD-3-Clause
// The clock set back: in this program CLOCK_REALTIME goes back an hour whenever somebody looks at it, and who
// lets the kernel wait by it is killed. Nothing of the library looks or waits.
#include "core_test.hpp"
#include "remote.hpp"

#include <support/background_call.hpp>
#include <support/scenes.hpp>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <mutex>
#include <stdexcept>

namespace {

std::atomic<unsigned> looks{0};

constexpr time_t hour = 3600;

timespec earlier_each_time() {
    timespec now{};
    ::syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
    now.tv_sec -= hour * static_cast<time_t>(++looks);
    return now;
}

}  // namespace

// What the C library has under these names is overridden for the whole process, libraries included.
extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
        return static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
    *time = earlier_each_time();
    return 0;
}

int gettimeofday(timeval* time, void*) noexcept {
    const timespec now = earlier_each_time();
    *time = {now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t* seconds) noexcept {
    const timespec now = earlier_each_time();
    if (seconds != nullptr)
        *seconds = now.tv_sec;
    return now.tv_sec;
}

}  // extern "C"

namespace ndsharray::test {
namespace {

constexpr std::uint32_t futex_waitv_number = 449;

/// Lets the kernel end this process when it is asked to wait until some CLOCK_REALTIME. For good. An emulator
/// of another processor has no seccomp: there it does nothing, and EndsWhoeverWaitsByIt is left out.
void forbid_waits_by_realtime() {
    const auto argument = [](unsigned index) {
        return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * index);
    };
    constexpr std::uint8_t next = 0;
    // clang-format off
    sock_filter filter[] = {
        /* 0*/ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        // With a timeout only: the C library gives this flag to waits without one.
        /* 1*/ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, next, 4),
        /* 2*/ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(1)),
        /* 3*/ BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, FUTEX_CLOCK_REALTIME, next, 15),
        /* 4*/ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(3)),
        /* 5*/ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 13, 14),
        /* 6*/ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, futex_waitv_number, next, 4),
        /* 7*/ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(4)),
        /* 8*/ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CLOCK_REALTIME, next, 10),
        /* 9*/ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(3)),
        /*10*/ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 8, 9),
        // Until a time only: how long something takes does not depend on what time it is.
        /*11*/ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_nanosleep, next, 4),
        /*12*/ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(0)),
        /*13*/ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CLOCK_REALTIME, next, 5),
        /*14*/ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(1)),
        /*15*/ BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, TIMER_ABSTIME, 4, 3),
        /*16*/ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_timerfd_create, next, 2),
        /*17*/ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(0)),
        /*18*/ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CLOCK_REALTIME, 1, next),
        /*19*/ BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        /*20*/ BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    // clang-format on
    const sock_fprog program{static_cast<unsigned short>(std::size(filter)), filter};
    const bool is_emulated = std::getenv("MESON_EXE_WRAPPER") != nullptr;
    if (!is_emulated && (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
                         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0))
        throw std::runtime_error("no filter for system calls");
}

std::string status_of(const Frame& frame) {
    return std::string(name(frame.status()));
}

/// Of the files that a killed writer left, keeps those in the layout of 1.x, with a name as 1.x gives them.
void leave_as_1x_would(const std::string& tag) {
    const std::filesystem::path folder = directory();
    const std::string name = tag + "_0123456789ab4def8123456789abcdef";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string old = entry.path().filename();
        if (old.starts_with("ndsh."))
            std::filesystem::remove(entry);
        else if (old != tag)
            std::filesystem::rename(entry, folder / name);
    }
    std::ofstream(folder / tag) << name;
}

/// What happens where the clock is set back.
const Scenes clock_scenes = {
    {"pass_frames",
     [](const std::string& tag) {
         Writer writer(tag);
         Reader reader(tag);
         std::int64_t last = 0;
         for (int i = 0; i < 500; ++i) {
             write_pattern(writer, bytes_spec(100 + static_cast<std::uint64_t>(i % 50)));
             const Frame frame = reader.read(patience);
             if (!frame || !is_intact(frame) || frame.age() < 0ns || frame.age() > 60s ||
                 frame.info().published < last)
                 return std::string("not passed");
             last = frame.info().published;
         }
         return std::string("passed");
     }},
    {"wait_for_a_frame",
     [](const std::string& tag) {
         Writer writer(tag);
         Reader reader(tag);
         attach(reader);
         const std::string without = status_of(reader.read(50ms));
         BackgroundCall<Frame> reading([&] { return reader.read(patience); });
         reading.blocks();
         write_pattern(writer, bytes_spec(10));
         return without + ", then " + status_of(reading.result());
     }},
    {"wait_for_a_reader",
     [](const std::string& tag) {
         Writer writer(tag, {.backpressure = true});
         Reader reader(tag, in_order());
         std::string said(name(writer.wait_for_reader(20ms)));
         attach(reader);
         while (write_pattern(writer, bytes_spec(10), 0ns) != 0) {
         }
         said += ' ' + std::string(name(writer.acquire(20ms).status()));
         said += ' ' + std::string(name(writer.drain(20ms)));
         BackgroundCall<std::uint64_t> writing([&] { return write_pattern(writer, bytes_spec(10)); });
         writing.blocks();
         reader.read(patience);
         return said + (writing.result() != 0 ? ", then written" : ", then not");
     }},
    {"hear_of_a_death",
     [](const std::string& tag) {
         RemoteWriter writer(tag);
         writer.write();
         Reader reader(tag);
         std::string said = status_of(reader.read(patience));
         writer.kill();
         said += ' ' + status_of(reader.read(patience));
         Writer next(tag);
         write_pattern(next, bytes_spec(10));
         return said + ' ' + status_of(reader.read(patience));
     }},
    {"read_files_of_1.x",
     [](const std::string& tag) {
         RemoteWriter writer(tag, {.compat = true});
         writer.write();
         writer.kill();
         leave_as_1x_would(tag);
         Reader reader(tag);
         const std::string first = status_of(reader.read(patience));
         return first + ' ' + status_of(reader.read(50ms));
     }},
    {"look",
     [](const std::string&) {
         const auto first = std::chrono::system_clock::now();
         return std::string(std::chrono::system_clock::now() < first ? "went back" : "went on");
     }},
    {"wait_by_it",
     [](const std::string&) {
         std::mutex mutex;
         std::condition_variable never;
         std::unique_lock lock(mutex);
         never.wait_until(lock, std::chrono::system_clock::now() + 24h * 365);
         return std::string("waited");
     }},
};

int play(Channel& channel, const Arguments& arguments) {
    forbid_waits_by_realtime();
    const unsigned before = looks;
    const std::string outcome = clock_scenes.at(arguments.at(1))(arguments.at(0));
    channel.send(outcome + "; " + std::to_string(looks - before) + " looks");
    return 0;
}
const RegisteredRole play_role("play_with_clock", play);

class ClockSetBack : public CoreTest {
  protected:
    std::string outcome_of(const std::string& scene) {
        ChildProcess process("play_with_clock", {tag_, scene});
        const std::string outcome = process.channel().receive(3 * patience).value_or("nothing");
        exit_code_ = process.wait_for_exit();
        return outcome;
    }

    int exit_code_ = 0;
};

TEST_F(ClockSetBack, IsNoticedByWhoeverLooks) {
    EXPECT_EQ(outcome_of("look"), "went back; 2 looks");
}

TEST_F(ClockSetBack, EndsWhoeverWaitsByIt) {
    EXPECT_EQ(outcome_of("wait_by_it"), "nothing");
    EXPECT_EQ(exit_code_, -SIGSYS);
}

TEST_F(ClockSetBack, DoesNotDisturbFramesNorTheirAge) {
    EXPECT_EQ(outcome_of("pass_frames"), "passed; 0 looks");
}

TEST_F(ClockSetBack, DoesNotDisturbWaitingForFrames) {
    EXPECT_EQ(outcome_of("wait_for_a_frame"), "Timeout, then Frame; 0 looks");
}

TEST_F(ClockSetBack, DoesNotDisturbWaitingForReaders) {
    EXPECT_EQ(outcome_of("wait_for_a_reader"), "Timeout Timeout Timeout, then written; 0 looks");
}

TEST_F(ClockSetBack, DoesNotDisturbHearingOfAWritersDeath) {
    EXPECT_EQ(outcome_of("hear_of_a_death"), "Frame Disconnected Frame; 0 looks");
}

TEST_F(ClockSetBack, DoesNotDisturbReadingFilesOf1x) {
    EXPECT_EQ(outcome_of("read_files_of_1.x"), "Frame Timeout; 0 looks");
    directory_.clear();
}

}  // namespace
}  // namespace ndsharray::test
