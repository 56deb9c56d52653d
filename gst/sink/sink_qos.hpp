// SPDX-License-Identifier: BSD-3-Clause
// QOS messages for frames that a sink drops.
#pragma once

#include <gst/base/gstbasesink.h>

#include <cstdint>

namespace ndsharray::gst {

/// Posts at most some messages a second, each with how many frames there were: an application that does not
/// read its bus is not to run out of memory. For the streaming thread, or when there is none.
class SinkQos {
  public:
    /// \param sink the element that drops; outlives this
    explicit SinkQos(GstBaseSink* sink) : sink_(sink) {}

    /// Nothing was processed or dropped yet.
    void restart();

    void count_processed();
    void count_dropped(GstBuffer* buffer);

    /// Says what is still to be said; there is nothing more for now.
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
    Drop last_{};  // of the frames dropped
    bool is_live_ = false;
    bool is_to_post_ = false;
};

}  // namespace ndsharray::gst
