// SPDX-License-Identifier: BSD-3-Clause
// benchsink: takes stamped frames, says how long they were under way, and looks at them.
#pragma once

#include <gst/gst.h>

#include "plan.hpp"

namespace ndsharray::bench {

/// Lets pipelines of this process use the element.
bool register_sink();

/// To be called before it starts.
void configure_sink(GstElement* sink, const SinkPlan& plan, Notify notify);

}  // namespace ndsharray::bench
