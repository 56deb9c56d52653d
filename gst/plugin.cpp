// SPDX-License-Identifier: BSD-3-Clause
// The plugin "ndsharray": ndshsink and ndshsrc.
#include <gst/gst.h>

#include "ndshsink.hpp"
#include "ndshsrc.hpp"

#define PACKAGE "ndsharray"

namespace {

gboolean register_elements(GstPlugin* plugin) {
    using namespace ndsharray::gst;
    const bool sink = GST_ELEMENT_REGISTER(ndshsink, plugin);
    const bool source = GST_ELEMENT_REGISTER(ndshsrc, plugin);
    return sink && source;
}

}  // namespace

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, ndsharray,
                  "Raw video frames shared between processes as arrays", register_elements, PACKAGE_VERSION,
                  "BSD", PACKAGE, PACKAGE)
