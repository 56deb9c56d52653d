// SPDX-License-Identifier: BSD-3-Clause
// A signal handler of the library's in front of the one that the application has.
#pragma once

#include <atomic>

#include <signal.h>

namespace ndsharray::platform {

/// One signal's. To be an object that lives as long as the process.
class SignalChain {
  public:
    using Handler = void (*)(int signal, siginfo_t* info, void* context);

    /// Puts a handler in front of what there is now. Once.
    void install(int signal, Handler handler) noexcept;

    /// Whether the process ignores a signal now.
    static bool is_ignored(int signal) noexcept;

    /// Whether there was no handler before ours, nor was the signal ignored.
    bool leads_to_default() const noexcept;

    /// What the signal would have done without us; for our handler to end with.
    void pass_on(int signal, siginfo_t* info, void* context) noexcept;

  private:
    struct sigaction before_us_ {};  // set before our handler is, and never again
    std::atomic<bool> is_spent_{false};
};

}  // namespace ndsharray::platform
