// SPDX-License-Identifier: BSD-3-Clause
// Caps that a sink refuses, and the one error message that says why.
#pragma once

#include <gst/base/gstbasesink.h>

#include <mutex>

#include "owned.hpp"

namespace ndsharray::gst {

/// The caps that were refused last. Upstream may try them again, and one error message is enough. For any
/// thread: every thread may ask a pad about caps.
class RefusedCaps {
  public:
    /// \returns false if these were refused last, too.
    bool note(GstCaps* caps);

    void forget();

    bool are(const GstCaps* caps) const;
    bool are_any() const;

  private:
    mutable std::mutex mutex_;  // held for a comparison
    Owned<GstCaps> caps_;
};

/// Posts an error with advice if these caps, which the pad's template does not have, come in an event. The
/// pad itself refuses that event, and upstream then only reports that they are not negotiated. To be called
/// when the sink has answered a query that they are not accepted. A probe on the pad would see the event, but
/// GStreamer would then look for probes with every buffer.
void explain_refusal(GstBaseSink* sink, RefusedCaps& refused, GstCaps* caps);

/// Whether upstream can have caps that the pad's template has. If not, posts an error with advice. A sink
/// that is not linked yet can.
bool can_be_fed(GstBaseSink* sink);

}  // namespace ndsharray::gst
