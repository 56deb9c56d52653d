// SPDX-License-Identifier: BSD-3-Clause
// NdshDevice: a live tag as a device. The device makes an ndshsrc that reads the tag.
#pragma once

#include <gst/gst.h>

#include <ndsharray/tag_info.hpp>

#include "owned.hpp"

namespace ndsharray::gst {

/// The device of a tag that has a segment. The device never changes.
/// \throws NoCaps if the frames are not raw video.
Owned<GstDevice> ndsh_device_new(const TagInfo& info);

/// Whether both devices have the same caps and properties.
bool are_alike(GstDevice* one, GstDevice* other);

}  // namespace ndsharray::gst
