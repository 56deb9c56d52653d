// SPDX-License-Identifier: BSD-3-Clause
// Ctrl-C, Ctrl-Z and the like, taken by a thread of their own, so that what they call may do anything.
#include "signals.hpp"

#include <utility>

namespace ndsharray::cli {
namespace {

constexpr int all_taken[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};

sigset_t set_of(int signal) {
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, signal);
    return only;
}

/// Stops the whole program as Ctrl-Z does, until somebody says SIGCONT. Not with SIGSTOP: where nobody could
/// say so, no shell having started it, the kernel lets a program go on. Sent to this thread, which so does
/// not go on before it is stopped.
void stop_program() {
    const sigset_t only = set_of(SIGTSTP);
    ::raise(SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    pthread_sigmask(SIG_BLOCK, &only, nullptr);
}

}  // namespace

bool is_ignored(int signal) {
    struct sigaction action {};
    return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

Signals::Signals() {
    sigemptyset(&taken_);
    for (const int signal : all_taken)
        if (!is_ignored(signal))
            sigaddset(&taken_, signal);
    pthread_sigmask(SIG_BLOCK, &taken_, &before_);
    thread_ = std::thread([this] { run(); });
}

Signals::~Signals() {
    {
        const std::lock_guard guard(mutex_);
        finished_ = true;
    }
    pthread_kill(thread_.native_handle(), SIGWINCH);
    thread_.join();
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Signals::run() {
    for (;;) {
        int signal = 0;
        sigwait(&taken_, &signal);
        {
            const std::lock_guard guard(mutex_);
            if (finished_)
                return;
        }
        take(signal);
    }
}

void Signals::take(int signal) {
    const std::lock_guard calling(calling_);
    const auto call = [](const std::function<void()>& handler) {
        if (handler)
            handler();
    };
    if (signal == SIGTSTP) {
        call(handlers_.stop);
        stop_program();
    }
    if (signal == SIGTSTP || signal == SIGCONT)
        call(handlers_.resume);
    const std::lock_guard guard(mutex_);
    if (signal == SIGTSTP || signal == SIGCONT || signal == SIGWINCH) {
        redraw_ = true;
    } else if (ended_by_ == 0) {
        ended_by_ = signal;
        call(handlers_.end);
    }
    changed_.notify_all();
}

void Signals::handle(Handlers handlers) {
    const std::lock_guard calling(calling_);
    handlers_ = std::move(handlers);
    if (ended() && handlers_.end)
        handlers_.end();
}

int Signals::ended_by() const {
    const std::lock_guard guard(mutex_);
    return ended_by_;
}

Signals::Woken Signals::sleep_until(std::chrono::steady_clock::time_point when) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, when, [this] { return ended_by_ != 0 || redraw_; });
    if (ended_by_ != 0)
        return Woken::End;
    return std::exchange(redraw_, false) ? Woken::Redraw : Woken::Time;
}

void end_by(int signal) {
    if (signal == 0)
        return;
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);
    const sigset_t only = set_of(signal);
    pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    ::raise(signal);
}

}  // namespace ndsharray::cli
