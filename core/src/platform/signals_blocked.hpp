// SPDX-License-Identifier: BSD-3-Clause
// Keeps the application's signal handlers out of a thread for a while.
#pragma once

#include <signal.h>

namespace ndsharray::platform {

/// While this object lives, no signal handler of the application runs in this thread.
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
