// SPDX-License-Identifier: BSD-3-Clause
// A signal that ends a program may come at any moment of its writers' lives: no file is left.
#include "core_test.hpp"

#include "platform/own_files.hpp"
#include "testing/faults.hpp"

#include <support/background_call.hpp>

#include <array>
#include <atomic>
#include <csignal>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ndsharray::test {
namespace {

/// Whether a sleep by poll() is over at once, so that the longest waits pass.
std::atomic<bool> sleeps_are_over{false};
std::atomic<unsigned> sleeps{0};

}  // namespace
}  // namespace ndsharray::test

// In the place of the C library's.
extern "C" int poll(pollfd* files, nfds_t count, int timeout_ms) {
    if (count == 0 && ndsharray::test::sleeps_are_over) {
        ++ndsharray::test::sleeps;
        return 0;
    }
    const timespec timeout{timeout_ms / 1000, timeout_ms % 1000 * 1'000'000L};
    return ::ppoll(files, count, timeout_ms < 0 ? nullptr : &timeout, nullptr);
}

namespace ndsharray::test {
namespace {

/// When the signal comes: at the n-th point that is reached.
unsigned signalled_at = 0;
std::atomic<unsigned> points{0};

/// Where it comes: in this thread, or nowhere in particular.
pthread_t receiver{};
bool has_receiver = false;

/// What programs with writers do: make them, change layouts, wait for readers, end streams, close.
void live(const std::string& tag, bool compat, bool backpressure) {
    WriterOptions options;
    options.slots = 3;
    options.compat = compat;
    options.backpressure = backpressure;
    Writer writer(tag, options);
    for (const std::uint64_t bytes : {3000U, 9000U}) {
        writer.configure(bytes_spec(7));  // of which no frame comes
        write_pattern(writer, bytes_spec(bytes));
    }
    writer.end_of_stream();
    write_pattern(writer, bytes_spec(9000));
}

/// \param name makes the tags its own.
void live_all(const std::string& name) {
    live("cam0-" + name, false, false);
    live("cam1-" + name, true, true);
    live("cam1-" + name, true, false);
}

/// Forks a child that lives a life in which a signal cleans up.
template <typename Life>
pid_t start(const Life& life) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a life has no end of its own
        clean_up_on_signals();
        life();
        ::_exit(0);
    }
    return child;
}

/// \returns the signal that ended it; 0 if it lived to the end.
int ended_by(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

class SignalMoment : public CoreTest {
  protected:
    void TearDown() override { directory_.clear(); }

    /// \returns how many points there were.
    template <typename Life>
    unsigned signal_at_each_point(const Life& life) {
        // The kernel takes its time over the end of a process that used inotify: so several at once.
        constexpr unsigned at_once = 32;
        for (unsigned first = 1;; first += at_once) {
            std::array<pid_t, at_once> children{};
            for (unsigned i = 0; i < at_once; ++i) {
                signalled_at = first + i;
                children.at(i) = start([&] { life(std::to_string(i)); });
            }
            unsigned lived = 0;
            for (const pid_t child : children) {
                const int signal = ended_by(child);
                lived += signal == 0 ? 1 : 0;
                EXPECT_TRUE(signal == SIGTERM || signal == 0) << signal;
            }
            EXPECT_EQ(directory_.entries(), std::vector<std::string>{}) << "from point " << first;
            if (lived > 0 || HasFailure())
                return first + at_once - 1 - lived;
        }
    }
};

TEST_F(SignalMoment, AtAnyStepLeavesNoFile) {
    EXPECT_GT(signal_at_each_point(live_all), 100U);
}

TEST_F(SignalMoment, InAnotherThreadLeavesNoFile) {
    const auto life = [](const std::string& name) {
        receiver = ::pthread_self();
        has_receiver = true;
        std::thread living(live_all, name);
        living.join();
    };
    EXPECT_GT(signal_at_each_point(life), 100U);
}

TEST_F(SignalMoment, AtRandomLeavesNoFile) {
    signalled_at = 0;
    std::mt19937 random(20261127);
    std::uniform_int_distribution<int> moment(0, 5000);
    for (int round = 0; round < 60 && !HasFailure(); ++round) {
        std::vector<pid_t> children;
        for (int i = 0; i < 16; ++i)
            children.push_back(start([name = std::to_string(i)] {
                std::thread first([&] {
                    for (;;)
                        live("cam0-" + name, true, false);
                });
                for (;;)
                    live("cam1-" + name, false, true);
            }));
        for (const pid_t child : children) {
            ::usleep(static_cast<useconds_t>(moment(random)));
            ::kill(child, SIGTERM);
        }
        for (const pid_t child : children)
            EXPECT_EQ(ended_by(child), SIGTERM);
        EXPECT_EQ(directory_.entries(), std::vector<std::string>{}) << "round " << round;
    }
}

/// Whether a thread sleeps far more often than the longest wait has it.
bool sleeps_for_very_long() {
    return wait_until([now = sleeps.load()] { return sleeps - now > 100'000; });
}

/// A handler of a signal removes files in one thread, and needs very long. Sleeps pass at once.
class OwnFiles : public ::testing::Test {
  protected:
    OwnFiles() { sleeps_are_over = true; }
    ~OwnFiles() override { sleeps_are_over = false; }

    bool remove_all() {
        const platform::own_files::Notice notice(
            [](void* test) {
                auto* const self = static_cast<OwnFiles*>(test);
                self->is_removing_ = true;
                while (!self->may_end_)
                    ::sched_yield();
            },
            this);
        const bool removed = platform::own_files::remove_all();
        platform::own_files::may_be_left();
        return removed;
    }

    std::atomic<bool> is_removing_{false};
    std::atomic<bool> may_end_{false};
};

TEST_F(OwnFiles, AreNotChangedWhileAHandlerRemovesThemHoweverLongThatTakes) {
    BackgroundCall<bool> removing([this] { return remove_all(); }, [this] { may_end_ = true; });
    ASSERT_TRUE(wait_until([this] { return is_removing_.load(); }));
    std::atomic<bool> is_changed{false};
    BackgroundCall<bool> changing(
        [&] {
            const platform::own_files::Change change;
            is_changed = true;
            return true;
        },
        [this] { may_end_ = true; });
    EXPECT_TRUE(sleeps_for_very_long());
    EXPECT_FALSE(is_changed);
    may_end_ = true;
    EXPECT_TRUE(removing.result());
    EXPECT_TRUE(changing.result()) << "a handler that was left keeps nobody for ever";
}

}  // namespace
}  // namespace ndsharray::test

namespace ndsharray::fault {

void reached(Point /*point*/) noexcept {
    using namespace test;
    if (signalled_at == 0 || points.fetch_add(1) + 1 != signalled_at)
        return;
    if (has_receiver)
        ::pthread_kill(receiver, SIGTERM);
    else
        ::kill(::getpid(), SIGTERM);
}

}  // namespace ndsharray::fault
