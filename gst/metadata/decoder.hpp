// SPDX-License-Identifier: BSD-3-Clause
// Makes the metas of a buffer from the bytes that were published with its pixels.
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

/// The bytes may come from anyone. All functions are for one thread, except dropped().
class MetadataDecoder {
  public:
    MetadataDecoder();

    /// Sets dropped() to 0.
    void restart() { dropped_ = 0; }

    /// Copies the bytes, because their writer could change them while they are read.
    void take(std::span<const std::byte> metadata) {
        if (has_metadata_ || !metadata.empty()) {
            copy(metadata);
        }
    }

    /// Adds the metas of the last take() to a buffer. If the bytes are damaged, adds none.
    /// \param info of the frame's caps
    /// \returns the orientation of the picture, if the bytes contain it.
    std::optional<Orientation> attach(GstBuffer* buffer, const GstVideoInfo& info) {
        return has_metadata_ ? attach_copy(buffer, info) : std::nullopt;
    }

    /// Number of metas of unknown kinds, and of frames with damaged metadata. Any thread.
    std::uint64_t dropped() const { return dropped_; }

  private:
    void copy(std::span<const std::byte> metadata);
    std::optional<Orientation> attach_copy(GstBuffer* buffer, const GstVideoInfo& info);

    bool has_metadata_ = false;  // most frames have none
    std::vector<std::byte> bytes_;
    bool too_long_ = false;
    std::atomic<std::uint64_t> dropped_ = 0;
};

}  // namespace ndsharray::gst
