// SPDX-License-Identifier: BSD-3-Clause
// Keeping the application's signal handlers out of a thread for a while.
#pragma once

#include <signal.h>

namespace ndsharray::platform {

/// While one lives, no signal handler of the application's runs in this thread.
class SignalsBlocked {
  public:
    SignalsBlocked() noexcept;
    ~SignalsBlocked();
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    sigset_t before_;
};

}  // namespace ndsharray::platform
