// SPDX-License-Identifier: BSD-3-Clause
// Finds out whether a pipeline reads the tag that it writes.
#pragma once

#include <gst/gst.h>

#include <string>

namespace ndsharray::gst {

/// Whether the pipeline of an element contains an ndshsrc of this tag.
bool is_read_in_pipeline_of(GstElement* element, const std::string& tag);

}  // namespace ndsharray::gst
