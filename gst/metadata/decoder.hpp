// SPDX-License-Identifier: BSD-3-Clause
// From the bytes beside a frame's pixels to the metas of its buffer.
#pragma once

#include <gst/video/video.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "metadata/format.hpp"

namespace ndsharray::gst {

/// The bytes may come from anyone. For one thread, but for what says otherwise.
class MetadataDecoder {
  public:
    MetadataDecoder();

    /// Nothing was dropped yet.
    void restart() { dropped_ = 0; }

    /// Copies the bytes, since whoever wrote them could change them while they are looked at.
    void take(std::span<const std::byte> metadata) {
        if (has_metadata_ || !metadata.empty()) {
            copy(metadata);
        }
    }

    /// Adds to a buffer what was taken last, or nothing at all of what is damaged.
    /// \param info of the frame's caps
    /// \returns which way up the picture is, if that was said.
    std::optional<Orientation> attach(GstBuffer* buffer, const GstVideoInfo& info) {
        return has_metadata_ ? attach_copy(buffer, info) : std::nullopt;
    }

    /// Metas of kinds that are unknown here, and frames whose metadata is damaged. Any thread.
    std::uint64_t dropped() const { return dropped_; }

  private:
    void copy(std::span<const std::byte> metadata);
    std::optional<Orientation> attach_copy(GstBuffer* buffer, const GstVideoInfo& info);

    bool has_metadata_ = false;  // of most frames there is none
    std::vector<std::byte> bytes_;
    bool too_long_ = false;
    std::atomic<std::uint64_t> dropped_ = 0;
};

}  // namespace ndsharray::gst
