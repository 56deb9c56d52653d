// SPDX-License-Identifier: BSD-3-Clause
// Removes the files of this process when a signal ends it.
#include "platform/signal_cleanup.hpp"

#include "platform/own_files.hpp"
#include "platform/signal_chain.hpp"
#include "platform/signals_blocked.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <mutex>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace ndsharray::platform {
namespace {

constexpr std::array signals{SIGTERM, SIGINT, SIGHUP, SIGQUIT};

constinit std::array<SignalChain, signals.size()> chains;

std::size_t index_of(int signal) noexcept {
    return static_cast<std::size_t>(std::find(signals.begin(), signals.end(), signal) - signals.begin());
}

/// Ends the process as if there were no handler.
[[noreturn]] void end_by(int signal) noexcept {
    struct sigaction by_default {};
    by_default.sa_handler = SIG_DFL;
    sigaction(signal, &by_default, nullptr);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, signal);
    raise(signal);
    pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    // Such a signal does not end the first process of a container.
    _exit(128 + signal);
}

void handle(int signal, siginfo_t* info, void* context) noexcept {
    const int error = errno;
    SignalChain& chain = chains[index_of(signal)];
    bool did_it = false;
    {
        const SignalsBlocked one_at_a_time;
        did_it = own_files::remove_all();
    }
    if (chain.leads_to_default())
        end_by(signal);
    if (did_it)
        own_files::may_be_left();
    chain.pass_on(signal, info, context);
    if (did_it)
        own_files::go_on();
    errno = error;
}

}  // namespace

std::span<const int> signals_to_clean_up_on() noexcept {
    return signals;
}

void clean_up_on(int signal) {
    static std::mutex mutex;
    static std::array<bool, signals.size()> is_installed{};
    const std::lock_guard guard(mutex);
    bool& installed = is_installed[index_of(signal)];
    if (installed || SignalChain::is_ignored(signal))
        return;
    own_files::expect_signals();
    chains[index_of(signal)].install(signal, handle);
    installed = true;
}

}  // namespace ndsharray::platform
