// SPDX-License-Identifier: BSD-3-Clause
// The signals that end a program, as a file descriptor to wait for.
#pragma once

namespace ndsharray::mirror {

/// Make it before any thread: they inherit that these signals are not for them.
class EndSignals {
  public:
    EndSignals();
    ~EndSignals();
    EndSignals(const EndSignals&) = delete;
    EndSignals& operator=(const EndSignals&) = delete;

    /// Readable once SIGINT, SIGTERM or SIGHUP came.
    int descriptor() const { return descriptor_; }

    /// Waits for one, up to `seconds`. \returns whether one came.
    bool wait(double seconds) const;

  private:
    int descriptor_ = -1;
};

}  // namespace ndsharray::mirror
