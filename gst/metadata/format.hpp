// SPDX-License-Identifier: BSD-3-Clause
// The kinds of metadata that travel with a frame, and how much room there is; gst/METADATA.md has the format.
#pragma once

#include <gst/video/video.h>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace ndsharray::gst {

/// In the order of their importance: where the room does not suffice, the last ones are left out. As on disk:
/// numbers are never given to something else.
enum class MetadataKind : std::uint32_t {
    Orientation = 1,
    Crop = 2,
    TimeCode = 3,
    ReferenceTimestamp = 4,
    RegionOfInterest = 5,
    Custom = 6,      ///< GstCustomMeta, by the name it is registered with
    Serialized = 7,  ///< what serializes itself, from GStreamer 1.24
    Caption = 8,     ///< closed captions: no GStreamer up to 1.26 lets them serialize themselves
};

/// Room for metadata beside each slot that ndshsink asks for: some hundred regions of interest, or half of
/// that with a few parameters each. For the smallest of usual frames (VGA in gray, 300 KiB) it is less than 3
/// percent, and what is not used is never touched.
inline constexpr std::size_t metadata_capacity = 8 * 1024;

/// The most that ndshsrc looks at; a writer of another version may ask for more room than ours.
inline constexpr std::size_t most_metadata = 64 * 1024;

/// How a picture is to be turned to be seen upright, as the tag "image-orientation" says: one of those from
/// GST_VIDEO_ORIENTATION_IDENTITY to GST_VIDEO_ORIENTATION_UR_LL.
using Orientation = GstVideoOrientationMethod;

/// As which kind a meta crosses; nothing if it does not, because it is about the buffer's memory or layout.
/// Others that cannot cross count as Serialized, which then fails.
std::optional<MetadataKind> kind_of(const GstMetaInfo* info);

}  // namespace ndsharray::gst
