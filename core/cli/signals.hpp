// SPDX-License-Identifier: BSD-3-Clause
// Ctrl-C, Ctrl-Z and the like, taken by a thread of their own, so that what they call may do anything.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include <pthread.h>
#include <csignal>

namespace ndsharray::cli {

/// Whether the parent chose to ignore it, as nohup does.
bool is_ignored(int signal);

/// While it lives, SIGINT, SIGTERM, SIGHUP and SIGQUIT ask the program to end, SIGTSTP stops it only after
/// the terminal was put back, and SIGWINCH ends a sleep. What the parent chose to ignore (nohup) stays
/// ignored.
///
/// Make it before any other thread: they inherit that these signals are not for them.
class Signals {
  public:
    struct Handlers {
        std::function<void()> end{};     ///< also called at once if it was asked for before
        std::function<void()> stop{};    ///< before the program stops
        std::function<void()> resume{};  ///< when it goes on
    };

    Signals();
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    /// What to call, from the thread that takes signals. Empty handlers: nothing; then no call is under way.
    void handle(Handlers handlers);

    /// Whether the program was asked to end.
    bool ended() const { return ended_by() != 0; }

    /// The signal that asked, or 0.
    int ended_by() const;

    enum class Woken { Time, Redraw, End };

    /// Sleeps until then, until the program is to end, or until the terminal wants to be drawn anew.
    Woken sleep_until(std::chrono::steady_clock::time_point when);

  private:
    void run();
    void take(int signal);

    sigset_t taken_{};
    sigset_t before_{};
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    int ended_by_ = 0;
    bool redraw_ = false;
    bool finished_ = false;
    std::mutex calling_;  // held while handlers run
    Handlers handlers_;
    std::thread thread_;
};

/// Ends the program as a signal does that nobody takes, so that a shell sees what happened. 0: does nothing.
void end_by(int signal);

}  // namespace ndsharray::cli
