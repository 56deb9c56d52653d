// SPDX-License-Identifier: BSD-3-Clause
// Ends a wait from another thread of this process.
#pragma once

#include "platform/platform.hpp"

#include <atomic>
#include <cstdint>

namespace ndsharray {

/// A futex word of this process. A wait watches it in addition to its own condition.
class Interrupt {
  public:
    /// The word and its present value. Load it before the condition of the wait.
    platform::Watched now() const noexcept { return {&word_, word_.load(std::memory_order_acquire)}; }

    /// Wakes the waits, so that each checks its condition again.
    void notify() noexcept {
        word_.fetch_add(1, std::memory_order_release);
        platform::wake_private(word_);
    }

    /// Ends all waits, and each later one until resume().
    void cancel() noexcept {
        cancelled_.store(true, std::memory_order_release);
        notify();
    }
    void resume() noexcept { cancelled_.store(false, std::memory_order_release); }
    bool cancelled() const noexcept { return cancelled_.load(std::memory_order_acquire); }

  private:
    std::atomic<std::uint32_t> word_{0};
    std::atomic<bool> cancelled_{false};
};

}  // namespace ndsharray
