// SPDX-License-Identifier: BSD-3-Clause
// Keeps the application's signal handlers out of a thread for a while.
#include "platform/signals_blocked.hpp"

#include <initializer_list>

#include <pthread.h>

namespace ndsharray::platform {

SignalsBlocked::SignalsBlocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    // A signal that an access of this thread raises must not be blocked: it would end the process.
    for (const int raised : {SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP})
        sigdelset(&all, raised);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
}

SignalsBlocked::~SignalsBlocked() {
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace ndsharray::platform
