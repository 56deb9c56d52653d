// SPDX-License-Identifier: BSD-3-Clause
// ndshsrc: reads the video frames of a tag.
#pragma once

#include <gst/gst.h>

namespace ndsharray::gst {

GST_ELEMENT_REGISTER_DECLARE(ndshsrc)

}  // namespace ndsharray::gst
