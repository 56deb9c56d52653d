// SPDX-License-Identifier: BSD-3-Clause
// QoS messages: which frames a source could not deliver.
#pragma once

#include <gst/base/gstbasesrc.h>

#include <cstdint>

#include "owned.hpp"

namespace ndsharray::gst {

/// For the streaming thread. A message that nobody has taken from the bus yet is not followed by another, so
/// that an application which never looks there does not fill its memory; the next one has the sums.
class SourceQos {
  public:
    explicit SourceQos(GstBaseSrc* src) : src_(src) {}

    /// Frames before the one that comes now are missing.
    void frames_are_missing() { are_missing_ = true; }

    /// Whether there is something to post.
    bool is_due() const;

    /// Posts it.
    /// \param buffer the one that comes now
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
