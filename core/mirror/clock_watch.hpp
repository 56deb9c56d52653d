// SPDX-License-Identifier: BSD-3-Clause
// Asks another machine for its time, over a connection of its own that no frame delays.
#pragma once

#include "clock_offset.hpp"
#include "engine.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

namespace ndsharray::mirror {

/// CLOCK_MONOTONIC, the clock of all times of frames.
std::int64_t monotonic_now();

/// Pings in a thread of its own for as long as it lives. All functions are safe from any thread.
class ClockWatch {
  public:
    ClockWatch(Engine& engine, const Address& address, const std::optional<MirrorKeys>& keys);
    ~ClockWatch();

    /// Nothing until the first answer.
    std::optional<OffsetEstimate> estimate() const;

  private:
    void run();

    Link link_;
    mutable std::mutex mutex_;
    ClockOffset offset_{};
    std::uint64_t instance_ = 0;
    std::atomic<bool> over_{false};
    std::thread thread_;
};

}  // namespace ndsharray::mirror
