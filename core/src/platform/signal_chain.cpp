// SPDX-License-Identifier: BSD-3-Clause
// A signal handler of the library that runs before the application's handler.
#include "platform/signal_chain.hpp"

namespace ndsharray::platform {

void SignalChain::install(int signal, Handler handler) noexcept {
    sigaction(signal, nullptr, &before_us_);
    struct sigaction ours {};
    ours.sa_sigaction = handler;
    ours.sa_mask = before_us_.sa_mask;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (before_us_.sa_flags & (SA_NODEFER | SA_RESTART));
    sigaction(signal, &ours, nullptr);
}

bool SignalChain::is_ignored(int signal) noexcept {
    struct sigaction now {};
    return sigaction(signal, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 &&
           now.sa_handler == SIG_IGN;
}

bool SignalChain::leads_to_default() const noexcept {
    return (before_us_.sa_flags & SA_SIGINFO) == 0 && before_us_.sa_handler == SIG_DFL;
}

void SignalChain::pass_on(int signal, siginfo_t* info, void* context) noexcept {
    const bool with_info = (before_us_.sa_flags & SA_SIGINFO) != 0;
    // With SA_RESETHAND, the default replaces the handler before it runs. Relaxed: the flag publishes nothing
    // else.
    const bool is_spent = (before_us_.sa_flags & static_cast<int>(SA_RESETHAND)) != 0 &&
                          is_spent_.exchange(true, std::memory_order_relaxed);
    const bool by_default = is_spent || (!with_info && before_us_.sa_handler == SIG_DFL);
    const bool ignored = !with_info && before_us_.sa_handler == SIG_IGN;
    const bool by_access = info->si_code > 0;  // otherwise a process sent it
    if (ignored && !by_access)
        return;
    if (by_default || ignored) {
        // When the handler returns, a failed access is repeated, and ends the process at the right place. A
        // signal that was sent is sent again. The kernel does not let a process ignore a failed access.
        struct sigaction end {};
        end.sa_handler = SIG_DFL;
        sigaction(signal, &end, nullptr);
        if (!by_access)
            raise(signal);
        return;
    }
    if (with_info)
        before_us_.sa_sigaction(signal, info, context);
    else
        before_us_.sa_handler(signal);
}

}  // namespace ndsharray::platform
