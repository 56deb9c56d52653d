// SPDX-License-Identifier: BSD-3-Clause
// From the metas of a buffer to the bytes that are published beside its pixels.
#pragma once

#include <gst/video/video.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "metadata/byte_stream.hpp"
#include "metadata/format.hpp"
#include "video/crop.hpp"

namespace ndsharray::gst {

/// Allocates nothing per frame, but for what a meta's own
/// serializer does.
class MetadataEncoder {
  public:
    MetadataEncoder() : area_(metadata_capacity) {}

    /// What of a buffer crosses; empty for one without metas. Valid until the next call.
    /// \param info of the caps
    /// \param cut cut_of() the buffer: metas then describe what is left of the picture
    std::span<const std::byte> encode(GstBuffer* buffer, const GstVideoInfo& info,
                                      const std::optional<Rectangle>& cut,
                                      std::optional<Orientation> orientation);

    /// Metas, and parameters of regions of interest, that encode() left out: for want of room, or because
    /// they mean nothing in another process.
    unsigned left_out() const { return left_out_; }

  private:
    void encode_kind(ByteWriter& bytes, GstBuffer* buffer, MetadataKind kind);
    bool encode_meta(ByteWriter& bytes, GstMeta* meta, MetadataKind kind);
    bool encode_region(ByteWriter& bytes, const GstVideoRegionOfInterestMeta& region);
    bool encode_serialized(ByteWriter& bytes, const GstMeta* meta);

    std::vector<std::byte> area_;
    std::vector<guint8> serialized_;  // by a meta itself
    const GstVideoInfo* info_ = nullptr;
    std::optional<Rectangle> cut_;
    unsigned left_out_ = 0;
};

}  // namespace ndsharray::gst
