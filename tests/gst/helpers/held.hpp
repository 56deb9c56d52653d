// SPDX-License-Identifier: BSD-3-Clause
// Owning pointers to what a test gets from GStreamer.
#pragma once

#include <gst/gst.h>

#include <memory>

#include "owned.hpp"

namespace ndsharray::test {

struct Release : gst::Unref {
    using gst::Unref::operator();
    void operator()(GstBus* bus) const noexcept { gst_object_unref(bus); }
    void operator()(GstDeviceMonitor* monitor) const noexcept { gst_object_unref(monitor); }
    void operator()(GstElement* element) const noexcept { gst_object_unref(element); }
    void operator()(GDateTime* time) const noexcept { g_date_time_unref(time); }
    void operator()(GstElementFactory* factory) const noexcept { gst_object_unref(factory); }
    void operator()(GstPad* pad) const noexcept { gst_object_unref(pad); }
    void operator()(GstQuery* query) const noexcept { gst_query_unref(query); }
    void operator()(GstSample* sample) const noexcept { gst_sample_unref(sample); }
};

/// Holds one reference and gives it back; `release()` hands it to a (transfer full) parameter.
template <class T>
using Held = std::unique_ptr<T, Release>;

}  // namespace ndsharray::test
