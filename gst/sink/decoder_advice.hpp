// SPDX-License-Identifier: BSD-3-Clause
// What to put before ndshsink where a stream is something else than raw video.
#pragma once

#include <gst/gst.h>

#include <string>

namespace ndsharray::gst {

/// Of caps that the sink cannot take; one sentence for the user.
std::string decoder_advice(const GstCaps* caps);

/// Of a stream that came without caps.
std::string decoder_advice();

}  // namespace ndsharray::gst
