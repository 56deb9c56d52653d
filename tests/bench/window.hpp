// SPDX-License-Identifier: BSD-3-Clause
// The stretch of a run that is measured, seen from one side.
#pragma once

#include <atomic>
#include <cstdint>

#include "measure.hpp"
#include "plan.hpp"
#include "stamp.hpp"

namespace ndsharray::bench {

/// Follows the phases of the frames that one thread pushes or gets.
class Window {
  public:
    /// Told the phase of each frame, before it is pushed or when it came.
    /// \returns whether this is the first one that is over.
    bool enter(Phase phase) noexcept {
        const Phase before = phase_;
        phase_ = phase;
        if (phase == Phase::Measured && before != Phase::Measured)
            start_ = usage_now();
        if (phase != Phase::Over || before == Phase::Over)
            return false;
        used_ = usage_now() - start_;
        return true;
    }

    /// Counts the frame that entered, if it is measured. \returns whether it is.
    bool count() noexcept {
        if (phase_ != Phase::Measured)
            return false;
        frames_.fetch_add(1, std::memory_order_relaxed);
        return true;
    }

    /// From any thread.
    std::uint64_t frames() const noexcept { return frames_.load(std::memory_order_relaxed); }

    SideResult result() const {
        SideResult result;
        result.frames = frames();
        result.time = used_.time;
        result.processor = used_.processor;
        result.minor_faults = used_.minor_faults;
        return result;
    }

  private:
    Phase phase_ = Phase::WarmUp;
    std::atomic<std::uint64_t> frames_ = 0;
    Usage start_;
    Usage used_;
};

}  // namespace ndsharray::bench
