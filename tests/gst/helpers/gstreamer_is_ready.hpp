// SPDX-License-Identifier: BSD-3-Clause
// For tests of parts of the elements, which work only once GStreamer is initialised.
#pragma once

#include <gst/gst.h>

namespace ndsharray::gst {

[[maybe_unused]] inline const bool gstreamer_is_ready = gst_init_check(nullptr, nullptr, nullptr) != FALSE;

}  // namespace ndsharray::gst
