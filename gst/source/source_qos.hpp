// SPDX-License-Identifier: BSD-3-Clause
// QoS messages about frames that a source could not deliver.
#pragma once

#include <gst/base/gstbasesrc.h>

#include <cstdint>

#include "owned.hpp"

namespace ndsharray::gst {

/// For the streaming thread. While a message is on the bus, no further one is posted. So the memory of an
/// application that never reads its bus does not grow. The next message has the sums.
class SourceQos {
  public:
    explicit SourceQos(GstBaseSrc* src) : src_(src) {}

    /// Frames before the present one are missing.
    void frames_are_missing() { are_missing_ = true; }

    /// Whether there is a message to post.
    bool is_due() const;

    /// Posts the message.
    /// \param buffer the present buffer
    /// \param delivered, missed the counts so far
    void post(GstBuffer* buffer, std::uint64_t delivered, std::uint64_t missed);

    /// Forgets the last message.
    void restart();

  private:
    GstBaseSrc* src_;
    Owned<GstMessage> last_;
    bool are_missing_ = false;
};

}  // namespace ndsharray::gst
