// SPDX-License-Identifier: BSD-3-Clause
// Tells a source that its streaming thread has come to rest.
#pragma once

#include <gst/gst.h>

#include <functional>

namespace ndsharray::gst {

/// Sees to it that `at_rest` is called, in the streaming thread, each time the task of a pad of `element`
/// pauses or stops. The base class tells its subclasses only of some of the reasons for that: of a downstream
/// that returns FLUSHING, which is neither an error nor the end of the stream, it does not.
/// \param message every message that the element posts, from GstElementClass::post_message
/// \param at_rest outlives the element's pads
void watch_task(GstElement* element, GstMessage* message, const std::function<void()>& at_rest);

}  // namespace ndsharray::gst
