// SPDX-License-Identifier: BSD-3-Clause
// Ending a wait from another thread of this process.
#pragma once

#include "platform/platform.hpp"

#include <atomic>
#include <cstdint>

namespace ndsharray {

/// A futex word of this process that a wait watches besides what it waits for.
class Interrupt {
  public:
    /// What to compare with; look at it before looking at anything the wait is about.
    platform::Watched now() const noexcept { return {&word_, word_.load(std::memory_order_acquire)}; }

    /// Makes waits end, and look again at what they are about.
    void notify() noexcept {
        word_.fetch_add(1, std::memory_order_release);
        platform::wake_private(word_);
    }

    /// Makes waits end, now and until resume().
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
