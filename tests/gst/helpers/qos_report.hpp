// SPDX-License-Identifier: BSD-3-Clause
// What a QoS message says.
#pragma once

#include <gst/gst.h>

namespace ndsharray::test {

struct QosReport {
    bool is_live = false;
    GstFormat format = GST_FORMAT_UNDEFINED;
    guint64 running_time = 0, stream_time = 0, timestamp = 0, duration = 0, processed = 0, dropped = 0;
};

inline QosReport qos_report(GstMessage* message) {
    QosReport report;
    gboolean live = FALSE;
    gst_message_parse_qos(message, &live, &report.running_time, &report.stream_time, &report.timestamp,
                          &report.duration);
    gst_message_parse_qos_stats(message, &report.format, &report.processed, &report.dropped);
    report.is_live = live;
    return report;
}

}  // namespace ndsharray::test
