// SPDX-License-Identifier: BSD-3-Clause
// A signal handler of the library that runs before the application's handler.
#pragma once

#include <atomic>

#include <signal.h>

namespace ndsharray::platform {

/// The chain of one signal. The object must live as long as the process.
class SignalChain {
  public:
    using Handler = void (*)(int signal, siginfo_t* info, void* context);

    /// Installs a handler before the present one. Call it once.
    void install(int signal, Handler handler) noexcept;

    /// Whether the process ignores this signal now.
    static bool is_ignored(int signal) noexcept;

    /// Whether the signal had its default action before: there was no handler, and it was not ignored.
    bool leads_to_default() const noexcept;

    /// Does what the signal would have done without our handler. Our handler calls it last.
    void pass_on(int signal, siginfo_t* info, void* context) noexcept;

  private:
    struct sigaction before_us_ {};  // set before our handler is installed, and never again
    std::atomic<bool> is_spent_{false};
};

}  // namespace ndsharray::platform
