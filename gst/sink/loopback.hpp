// SPDX-License-Identifier: BSD-3-Clause
// Whether a pipeline reads what it writes itself.
#pragma once

#include <gst/gst.h>

#include <string>

namespace ndsharray::gst {

/// Whether there is an ndshsrc of this tag in the pipeline of an element.
bool is_read_in_pipeline_of(GstElement* element, const std::string& tag);

}  // namespace ndsharray::gst
