// SPDX-License-Identifier: BSD-3-Clause
// ndshsink: publishes raw video frames under a tag.
#pragma once

#include <gst/gst.h>

namespace ndsharray::gst {

GST_ELEMENT_REGISTER_DECLARE(ndshsink)

}  // namespace ndsharray::gst
