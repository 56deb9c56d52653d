// SPDX-License-Identifier: BSD-3-Clause
// Caps that a sink refuses, and the one error message that says why.
#include "sink/refused_caps.hpp"

#include "sink/decoder_advice.hpp"

namespace ndsharray::gst {
namespace {

/// Whether a caps event with these caps is on its way to the pad. Its sender has stored it on its own pad by
/// then. Any other question about caps is a mere look, and its answer is up to whoever asks.
bool is_being_sent(GstPad* pad, GstCaps* caps) {
    const Owned<GstPad> sender(gst_pad_get_peer(pad));
    const Owned<GstCaps> sent(sender ? gst_pad_get_current_caps(sender.get()) : nullptr);
    return sent && gst_caps_is_equal(sent.get(), caps);
}

void post_advice(GstBaseSink* sink, GstCaps* caps) {
    GST_ELEMENT_ERROR(sink, STREAM, WRONG_TYPE, ("%s", decoder_advice(caps).c_str()),
                      ("%" GST_PTR_FORMAT, printable(caps)));
}

}  // namespace

bool RefusedCaps::note(GstCaps* caps) {
    const std::lock_guard lock(mutex_);
    if (caps_ && gst_caps_is_equal(caps_.get(), caps)) {
        return false;
    }
    caps_ = share(caps);
    return true;
}

void RefusedCaps::forget() {
    const std::lock_guard lock(mutex_);
    caps_.reset();
}

bool RefusedCaps::are(const GstCaps* caps) const {
    const std::lock_guard lock(mutex_);
    return caps_ && gst_caps_is_equal(caps_.get(), caps);
}

bool RefusedCaps::are_any() const {
    const std::lock_guard lock(mutex_);
    return caps_ != nullptr;
}

void explain_refusal(GstBaseSink* sink, RefusedCaps& refused, GstCaps* caps) {
    if (is_being_sent(GST_BASE_SINK_PAD(sink), caps) && refused.note(caps)) {
        post_advice(sink, caps);
    }
}

bool can_be_fed(GstBaseSink* sink) {
    GstPad* pad = GST_BASE_SINK_PAD(sink);
    const Owned<GstCaps> sent(gst_pad_peer_query_caps(pad, nullptr));
    const Owned<GstCaps> taken(gst_pad_get_pad_template_caps(pad));
    // Empty: upstream has a problem of its own, of which it will tell itself.
    if (gst_caps_is_empty(sent.get()) || gst_caps_can_intersect(sent.get(), taken.get())) {
        return true;
    }
    post_advice(sink, sent.get());
    return false;
}

}  // namespace ndsharray::gst
