// SPDX-License-Identifier: BSD-3-Clause
// What a consumer notes about the frames that arrive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "measure.hpp"
#include "plan.hpp"
#include "stamp.hpp"
#include "window.hpp"

namespace ndsharray::bench {

/// For the thread that frames arrive in. Tells of the first frame, and of the first after the measured ones.
class FrameLog {
  public:
    explicit FrameLog(Notify notify);

    void add(const Stamp& stamp, std::int64_t arrival, bool is_whole);

    /// The same for a frame that is there: does with it what the plan says.
    void look_at(std::span<const std::byte> frame, std::int64_t arrival, const SinkPlan& plan);

  private:
    void note_caps(const Stamp& stamp, std::int64_t arrival);
    SideResult result() const;

    Notify notify_;
    Window window_;
    LatencySamples latencies_;
    std::vector<std::int64_t> caps_to_new_frame_;
    std::uint64_t torn_ = 0;
    std::uint32_t caps_number_ = 0;
    bool any_arrived_ = false;
};

}  // namespace ndsharray::bench
