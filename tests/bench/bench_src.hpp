// SPDX-License-Identifier: BSD-3-Clause
// benchsrc: makes stamped frames in the memory that downstream offers.
#pragma once

#include <gst/gst.h>

#include <cstdint>

#include "plan.hpp"

namespace ndsharray::bench {

/// Lets pipelines of this process use the element.
bool register_source();

/// To be called before it starts.
void configure_source(GstElement* source, const SourcePlan& plan, Notify notify);

/// Ends the warm-up.
void end_warm_up(GstElement* source);

/// Measured frames pushed so far.
std::uint64_t frames_pushed(GstElement* source);

}  // namespace ndsharray::bench
