// SPDX-License-Identifier: BSD-3-Clause
// Tells browsers to show each frame as soon as it is decoded.
#pragma once

#include <gst/gst.h>

namespace ndsharray::serve {

/// Each RTP packet that leaves through the pad says, in the header extension "playout-delay" of this number
/// (1 to 14), that its frame is shown at once: browsers else wait some milliseconds, to show frames evenly.
void ask_for_no_playout_delay(GstPad* pad, unsigned number);

}  // namespace ndsharray::serve
