// SPDX-License-Identifier: BSD-3-Clause
// The signals that end a program, as a file descriptor to wait for.
#pragma once

namespace ndsharray::mirror {

/// Make it before any thread: they inherit that these signals are not for them. What the parent chose to
/// ignore (nohup) stays ignored.
class EndSignals {
  public:
    /// \throws Error System.
    EndSignals();
    ~EndSignals();
    EndSignals(const EndSignals&) = delete;
    EndSignals& operator=(const EndSignals&) = delete;

    /// Readable once SIGINT, SIGTERM or SIGHUP came, or end() was called.
    int descriptor() const { return descriptor_; }

    /// As if one came. Safe from any thread.
    void end() const;

    /// Waits for one, up to `seconds`. \returns whether one came.
    bool wait(double seconds) const;

  private:
    void close_all();

    int descriptor_ = -1, signals_ = -1, told_ = -1;
};

}  // namespace ndsharray::mirror
