// SPDX-License-Identifier: BSD-3-Clause
// NdshDeviceProvider: shows live tags to device monitors.
#pragma once

#include <gst/gst.h>

namespace ndsharray::gst {

GST_DEVICE_PROVIDER_REGISTER_DECLARE(ndshdeviceprovider)

}  // namespace ndsharray::gst
