// SPDX-License-Identifier: BSD-3-Clause
// Advice on the element to put before ndshsink if a stream is not raw video.
#pragma once

#include <gst/gst.h>

#include <string>

namespace ndsharray::gst {

/// Advice for caps that the sink cannot take. One sentence for the user.
std::string decoder_advice(const GstCaps* caps);

/// Advice for a stream that came without caps.
std::string decoder_advice();

}  // namespace ndsharray::gst
