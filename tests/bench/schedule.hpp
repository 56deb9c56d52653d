// SPDX-License-Identifier: BSD-3-Clause
// When the next frame is due, and which phase of the run it belongs to.
#pragma once

#include <atomic>
#include <cstdint>

#include "stamp.hpp"

namespace ndsharray::bench {

/// For the thread that pushes; go() is for any.
class Schedule {
  public:
    /// \param rate frames per second while settling and measuring; 0: as fast as they are taken.
    /// \param settling, measured how long these phases last, in seconds.
    Schedule(double rate, double settling, double measured) noexcept;

    /// Ends the warm-up.
    void go() noexcept { go_ = true; }

    /// Waits until the next frame is due. A tick that was missed is not made up for.
    /// \returns the frame's phase.
    Phase next() noexcept;

  private:
    void wait_for_tick() noexcept;
    void advance() noexcept;

    double rate_;
    std::int64_t settling_;
    std::int64_t measured_;
    std::atomic<bool> go_ = false;
    Phase phase_ = Phase::WarmUp;
    std::int64_t tick_ = 0;
    std::int64_t phase_end_ = 0;
};

}  // namespace ndsharray::bench
