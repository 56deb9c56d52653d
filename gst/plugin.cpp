// SPDX-License-Identifier: BSD-3-Clause
// The plugin "ndsharray": ndshsink, ndshsrc and the device provider.
#include <gst/gst.h>

#include "devices/ndshdeviceprovider.hpp"
#include "sink/ndshsink.hpp"
#include "source/ndshsrc.hpp"

#define PACKAGE "ndsharray"

namespace {

gboolean register_features(GstPlugin* plugin) {
    using namespace ndsharray::gst;
    const bool sink = GST_ELEMENT_REGISTER(ndshsink, plugin);
    const bool source = GST_ELEMENT_REGISTER(ndshsrc, plugin);
    const bool devices = GST_DEVICE_PROVIDER_REGISTER(ndshdeviceprovider, plugin);
    return sink && source && devices;
}

}  // namespace

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, ndsharray,
                  "Raw video frames shared between processes as arrays", register_features, PACKAGE_VERSION,
                  "BSD", PACKAGE, PACKAGE)
