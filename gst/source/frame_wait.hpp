// SPDX-License-Identifier: BSD-3-Clause
// Waiting for the next frame as the properties of ndshsrc say: for how long, and what the writer's end means.
#pragma once

#include <gst/base/gstbasesrc.h>

#include <ndsharray/frame.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

#include "source/keepalive.hpp"
#include "source/src_properties.hpp"
#include "source/tag_reader.hpp"

namespace ndsharray::gst {

/// For the streaming thread.
class FrameWait {
  public:
    /// All of them outlive this.
    FrameWait(GstBaseSrc* src, const SharedSettings& settings, TagReader& reader, KeptFrame& kept);

    struct Result {
        GstFlowReturn flow = GST_FLOW_OK;
        Frame frame;

        /// Instead of a frame: nothing came for so long, and it is time to repeat the last one.
        std::optional<std::chrono::nanoseconds> keepalive;
    };

    /// Comes back with a frame, or for the reason why there will be none. Posts an ERROR message where that
    /// is one.
    Result next();

    /// Waiting begins anew.
    void restart() {
        since_.reset();
        may_be_in_the_way_ = true;
    }

  private:
    void tell_of_obstacle();
    std::optional<std::int64_t> timeout_at(const SrcPolicy& policy);
    GstFlowReturn without_frame(const SrcPolicy& policy, ReadStatus status);
    GstFlowReturn disconnected(OnDisconnect policy, ReadStatus status);
    GstFlowReturn interrupted();

    GstBaseSrc* src_;
    const SharedSettings& settings_;
    TagReader& reader_;
    KeptFrame& kept_;
    bool may_be_in_the_way_ = true;      // something, of any writer
    std::optional<std::int64_t> since_;  // CLOCK_MONOTONIC; repeated frames do not end a wait
};

}  // namespace ndsharray::gst
