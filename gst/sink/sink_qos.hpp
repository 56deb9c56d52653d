// SPDX-License-Identifier: BSD-3-Clause
// QOS messages about frames that a sink drops.
#pragma once

#include <gst/base/gstbasesink.h>

#include <cstdint>

namespace ndsharray::gst {

/// Posts only some messages a second, each with the number of frames. So the memory of an application that
/// never reads its bus does not grow fast. For the streaming thread, or when there is none.
class SinkQos {
  public:
    /// \param sink the element that drops frames; must outlive the SinkQos
    explicit SinkQos(GstBaseSink* sink) : sink_(sink) {}

    /// Starts again: nothing was processed or dropped yet.
    void restart();

    void count_processed();
    void count_dropped(GstBuffer* buffer);

    /// Posts the last message, if one is due.
    void finish();

  private:
    struct Drop {
        GstClockTime running_time, stream_time, timestamp, duration;
    };

    bool may_post() const;
    void post();

    GstBaseSink* sink_;
    std::uint64_t processed_ = 0;
    std::uint64_t dropped_ = 0;
    std::int64_t posted_at_ = 0;
    Drop last_{};  // the last dropped frame
    bool is_live_ = false;
    bool is_to_post_ = false;
};

}  // namespace ndsharray::gst
