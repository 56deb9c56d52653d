// SPDX-License-Identifier: BSD-3-Clause
// NdshDevice: a live tag as a device that an ndshsrc can be made for.
#pragma once

#include <gst/gst.h>

#include <ndsharray/tag_info.hpp>

#include "owned.hpp"

namespace ndsharray::gst {

/// The device of a tag that has a segment. What it says never changes.
/// \throws NoCaps if the frames are not raw video.
Owned<GstDevice> ndsh_device_new(const TagInfo& info);

/// Whether both say the same of their tag.
bool are_alike(GstDevice* one, GstDevice* other);

}  // namespace ndsharray::gst
