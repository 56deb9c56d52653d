// SPDX-License-Identifier: BSD-3-Clause
// Tells a source that its streaming thread has paused or stopped.
#pragma once

#include <gst/gst.h>

#include <functional>

namespace ndsharray::gst {

/// Calls `at_rest` in the streaming thread each time that the task of a pad of `element` pauses or stops. The
/// base class tells its subclasses only some of the reasons. It does not tell them that downstream returned
/// FLUSHING, which is neither an error nor the end of the stream.
/// \param message call this with every message that the element posts, from GstElementClass::post_message
/// \param at_rest must outlive the element's pads
void watch_task(GstElement* element, GstMessage* message, const std::function<void()>& at_rest);

}  // namespace ndsharray::gst
