// SPDX-License-Identifier: BSD-3-Clause
// The kinds of metadata that cross with a frame, and the room for them. gst/METADATA.md has the format.
#pragma once

#include <gst/video/video.h>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace ndsharray::gst {

/// Sorted by importance: if there is not enough room, the last ones are left out. The numbers are part of the
/// format: none ever gets another meaning.
enum class MetadataKind : std::uint32_t {
    Orientation = 1,
    Crop = 2,
    TimeCode = 3,
    ReferenceTimestamp = 4,
    RegionOfInterest = 5,
    Custom = 6,      ///< GstCustomMeta, by its registered name
    Serialized = 7,  ///< metas that serialize themselves, from GStreamer 1.24
    Caption = 8,     ///< closed captions; they do not serialize themselves up to GStreamer 1.26
};

/// The room for metadata that ndshsink reserves for each slot. It holds about a hundred regions of interest,
/// or half as many with a few parameters each. This is less than 3 percent of a small frame (VGA in gray, 300
/// KiB). Pages that are not used are never touched.
inline constexpr std::size_t metadata_capacity = 8 * 1024;

/// The most that ndshsrc reads. A writer of another version may have more room than ours.
inline constexpr std::size_t most_metadata = 64 * 1024;

/// The turn that makes a picture upright, as in the tag "image-orientation": a value from
/// GST_VIDEO_ORIENTATION_IDENTITY to GST_VIDEO_ORIENTATION_UR_LL.
using Orientation = GstVideoOrientationMethod;

/// The kind as which a meta crosses. Nothing if it does not cross, because it is about the buffer's memory or
/// layout. Other metas that cannot cross are Serialized; encoding them fails.
std::optional<MetadataKind> kind_of(const GstMetaInfo* info);

}  // namespace ndsharray::gst
