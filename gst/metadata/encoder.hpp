// SPDX-License-Identifier: BSD-3-Clause
// Writes the metas of a buffer as the bytes that are published with its pixels.
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

/// Allocates nothing per frame. Only the serializer of a meta may allocate.
class MetadataEncoder {
  public:
    MetadataEncoder() : area_(metadata_capacity) {}

    /// The bytes of a buffer's metas; empty if there are none. Valid until the next call.
    /// \param info of the caps
    /// \param cut cut_of() the buffer. If it is set, the metas describe this part of the picture.
    std::span<const std::byte> encode(GstBuffer* buffer, const GstVideoInfo& info,
                                      const std::optional<Rectangle>& cut,
                                      std::optional<Orientation> orientation);

    /// Number of metas, and of parameters of regions of interest, that encode() left out. There was no room
    /// for them, or they have no meaning in another process.
    unsigned left_out() const { return left_out_; }

  private:
    void encode_kind(ByteWriter& bytes, GstBuffer* buffer, MetadataKind kind);
    bool encode_meta(ByteWriter& bytes, GstMeta* meta, MetadataKind kind);
    bool encode_region(ByteWriter& bytes, const GstVideoRegionOfInterestMeta& region);
    bool encode_serialized(ByteWriter& bytes, const GstMeta* meta);

    std::vector<std::byte> area_;
    std::vector<guint8> serialized_;  // bytes that a meta wrote itself
    const GstVideoInfo* info_ = nullptr;
    std::optional<Rectangle> cut_;
    unsigned left_out_ = 0;
};

}  // namespace ndsharray::gst
