// SPDX-License-Identifier: BSD-3-Clause
// The base class holds its preroll lock while ndshsink renders a buffer or ends a stream. Here the streaming
// thread lets go of it when something else needs it.
#pragma once

#include <gst/base/gstbasesink.h>

#include "sink/publisher.hpp"
#include "sink/tag_writer.hpp"

namespace ndsharray::gst {

/// Repeats an attempt until it is done. Between two attempts the base class waits for the end of PAUSED or a
/// flush. Only with the preroll lock.
template <class Attempt>
GstFlowReturn until_done(GstBaseSink* sink, Attempt&& attempt) {
    for (;;) {
        switch (attempt()) {
            case Outcome::Done:
                return GST_FLOW_OK;
            case Outcome::Failed:
                return GST_FLOW_ERROR;
            case Outcome::Interrupted:
                break;
        }
        const GstFlowReturn flow = gst_base_sink_wait_preroll(sink);
        if (flow != GST_FLOW_OK) {
            return flow;
        }
    }
}

/// Changes the state to PLAYING. The streaming thread can be the first to find that the sink is to play. Then
/// it holds the preroll lock while it waits for a reader or for room, and the base class would wait for this
/// lock. The reader can be a source of the same pipeline, which begins after this sink. So the streaming
/// thread lets go of the lock meanwhile.
template <class Change>
GstStateChangeReturn while_unlocked(GstBaseSink* sink, TagWriter& writer, Change&& change) {
    writer.unlock();
    const GstStateChangeReturn result = change();
    GST_BASE_SINK_PREROLL_LOCK(sink);
    writer.lock();
    GST_BASE_SINK_PREROLL_SIGNAL(sink);
    GST_BASE_SINK_PREROLL_UNLOCK(sink);
    return result;
}

}  // namespace ndsharray::gst
