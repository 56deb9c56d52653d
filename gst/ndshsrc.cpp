// SPDX-License-Identifier: BSD-3-Clause
// ndshsrc: reads the video frames written under a tag.

/**
 * SECTION:element-ndshsrc
 * @title: ndshsrc
 * @short_description: Reads raw video frames that another process shares as arrays in shared memory
 *
 * Reads the frames that ndshsink, or any program with the library or with the Python package ndsharray 1.x,
 * writes under the name given by #NdshSrc:tag. The buffers are the shared memory itself, read-only; an
 * element that wants to change one gets a copy. The writer may start later, stop and come back: the source
 * waits for it and goes on.
 *
 * With #NdshSrc:mode=latest the source skips what it was too slow for; with `every` it gets each frame in
 * order, and all of them if the writer has backpressure. What it missed is counted in #NdshSrc:stats and
 * flagged DISCONT. A sink that waits for the clock holds this element up meanwhile: at high frame
 * rates put a queue between them.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 ndshsrc tag=cam0 ! videoconvert ! autovideosink
 * ]|
 * Shows what `gst-launch-1.0 videotestsrc is-live=true ! ndshsink tag=cam0` shares, started before or after.
 *
 * |[
 * gst-launch-1.0 ndshsrc tag=array0 caps=video/x-raw,format=BGR,framerate=30/1 ! videoconvert ! autovideosink
 * ]|
 * Shows (height, width, 3) uint8 arrays that a program writes in the channel order of OpenCV.
 */

#include "ndshsrc.hpp"

#include <gst/base/gstpushsrc.h>
#include <gst/video/video.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "errors.hpp"
#include "frame_delivery.hpp"
#include "owned.hpp"
#include "src_properties.hpp"
#include "tag_reader.hpp"
#include "video_layout.hpp"

GST_DEBUG_CATEGORY(ndshsrc_debug);
#define GST_CAT_DEFAULT ndshsrc_debug

namespace ndsharray::gst {
namespace {

struct SrcState {
    explicit SrcState(GstBaseSrc* src) : delivery(src) {}

    std::mutex mutex;  // guards the settings, and is never held while waiting
    SrcSettings settings;

    TagReader tag_reader;
    FrameDelivery delivery;
    std::atomic<std::uint64_t> age_at_arrival = 0;  // of the newest frame, in nanoseconds
    bool writer_has_backpressure = false;           // only for the streaming thread
    std::atomic<std::thread::id> pausing_thread;    // that is going from PLAYING to PAUSED, if any

    // Only for the streaming thread. The base class drops what create() made if it is paused just then, from
    // GStreamer 1.24 on. Where every frame counts it is made to send it later.
    bool takes_every_frame = false;
    Owned<GstBuffer> unsent;
};

struct NdshSrc {
    GstPushSrc parent;
    std::unique_ptr<SrcState> state;
};

struct NdshSrcClass {
    GstPushSrcClass parent;
};

NdshSrc* to_self(gpointer instance) {
    return static_cast<NdshSrc*>(instance);
}

/// What `read` says about the settings as they are now.
template <class Read>
auto from_settings(NdshSrc* self, Read read) {
    const std::lock_guard lock(self->state->mutex);
    return read(self->state->settings);
}

std::string current_tag(NdshSrc* self) {
    return from_settings(self, [](const SrcSettings& settings) { return settings.tag; });
}

SrcPolicy current_policy(NdshSrc* self) {
    return from_settings(self, [](const SrcSettings& settings) { return settings.policy; });
}

// ---------------------------------------------------------------------------------------- start and stop

gboolean start(GstBaseSrc* src) {
    NdshSrc* self = to_self(src);
    SrcState& state = *self->state;
    const std::string tag = current_tag(self);
    return guarded(GST_ELEMENT(src), tag, FALSE, [&] {
        const auto options = from_settings(self, [](const SrcSettings& settings) { return settings.reader; });
        state.tag_reader.open(tag, options);
        state.delivery.restart();
        state.age_at_arrival = 0;
        state.takes_every_frame = options.mode == ReadMode::Every;
        GST_INFO_OBJECT(self, "reading from tag %s", tag.c_str());
        return TRUE;
    });
}

gboolean stop(GstBaseSrc* src) {
    SrcState& state = *to_self(src)->state;
    return guarded(GST_ELEMENT(src), {}, TRUE, [&] {
        state.unsent.reset();
        state.tag_reader.close();
        return TRUE;
    });
}

/// What create() is to come back for. Not for a pause, which is told by set_paused(): the base class takes a
/// flow that comes back FLUSHING after it went on playing for one that is to stop, and it may take back this
/// call only when create() has come back.
gboolean unlock(GstBaseSrc* src) {
    SrcState& state = *to_self(src)->state;
    if (state.pausing_thread.load(std::memory_order_relaxed) != std::this_thread::get_id()) {
        state.tag_reader.set_unlocked(true);
    }
    return TRUE;
}

gboolean unlock_stop(GstBaseSrc* src) {
    to_self(src)->state->tag_reader.set_unlocked(false);
    return TRUE;
}

/// Caps come with the first frame; there is nothing to agree on before that.
gboolean negotiate(GstBaseSrc*) {
    return TRUE;
}

/// Memory is the writer's, so all that matters of downstream's answer is whether it understands strides.
gboolean decide_allocation(GstBaseSrc* src, GstQuery* query) {
    while (gst_query_get_n_allocation_pools(query) > 0) {
        gst_query_remove_nth_allocation_pool(query, 0);
    }
    const bool takes_it = gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
    to_self(src)->state->delivery.set_takes_video_meta(takes_it);
    return TRUE;
}

// ------------------------------------------------------------------------------------------------ reading

struct ReadResult {
    GstFlowReturn flow = GST_FLOW_OK;
    Frame frame;
};

/// Nothing comes for the time being; GST_FLOW_OK means to go on waiting.
GstFlowReturn disconnected(NdshSrc* self, OnDisconnect policy, ReadStatus status) {
    const char* what = status == ReadStatus::Timeout ? "no frame came within the timeout" : "the writer left";
    switch (policy) {
        case OnDisconnect::Wait:
            GST_INFO_OBJECT(self, "%s, waiting", what);
            return GST_FLOW_OK;
        case OnDisconnect::Eos:
            GST_INFO_OBJECT(self, "%s, ending the stream", what);
            return GST_FLOW_EOS;
        case OnDisconnect::Error:
            break;
    }
    GST_ELEMENT_ERROR(self, RESOURCE, READ,
                      ("Reading tag \"%s\" ended: %s.", current_tag(self).c_str(), what),
                      ("on-disconnect=error, %s", std::string(name(status)).c_str()));
    return GST_FLOW_ERROR;
}

GstFlowReturn interrupted(NdshSrc* self) {
    return self->state->tag_reader.unlocked() ? GST_FLOW_FLUSHING
                                              : gst_base_src_wait_playing(GST_BASE_SRC(self));
}

GstFlowReturn failed(NdshSrc* self) {
    post_error(GST_ELEMENT(self), self->state->tag_reader.error(), current_tag(self));
    return GST_FLOW_ERROR;
}

/// What a read() that brought no frame leads to; GST_FLOW_OK means to go on waiting.
GstFlowReturn without_frame(NdshSrc* self, const SrcPolicy& policy, ReadStatus status) {
    switch (status) {
        case ReadStatus::Frame:
            break;
        case ReadStatus::Timeout:
        case ReadStatus::Disconnected:
            return disconnected(self, policy.on_disconnect, status);
        case ReadStatus::EndOfStream:
            GST_INFO_OBJECT(self, "the writer's stream ended");
            return policy.on_eos == OnEos::Eos ? GST_FLOW_EOS : GST_FLOW_OK;
        case ReadStatus::Cancelled:
            return interrupted(self);
        case ReadStatus::Failed:
            return failed(self);
    }
    return GST_FLOW_OK;
}

ReadResult read_frame(NdshSrc* self) {
    for (;;) {
        const SrcPolicy policy = current_policy(self);
        Frame frame = self->state->tag_reader.read(policy.timeout);
        if (frame && frame.spec().size() == 0) {
            // What Python programs write before they have a picture.
            GST_DEBUG_OBJECT(self, "skipping frame %" G_GUINT64_FORMAT ": it has no elements",
                             guint64{frame.number()});
            continue;
        }
        if (frame) {
            return {GST_FLOW_OK, std::move(frame)};
        }
        const GstFlowReturn flow = without_frame(self, policy, frame.status());
        if (flow != GST_FLOW_OK) {
            return {flow, {}};
        }
    }
}

void note_arrival(NdshSrc* self, const Frame& frame) {
    const auto age = frame.age().count();
    self->state->age_at_arrival = static_cast<std::uint64_t>(age);
    if (frame.first_of_writer()) {
        GST_INFO_OBJECT(self, "first frame of a writer, in %s", frame.segment_name().c_str());
    }
    if (frame.missed() > 0) {
        GST_DEBUG_OBJECT(self, "missed %" G_GUINT64_FORMAT " frames", frame.missed());
    }
    if (frame.is_copy()) {
        GST_DEBUG_OBJECT(self,
                         "frame %" G_GUINT64_FORMAT
                         " is a copy: too many are held, or leases are not "
                         "permitted",
                         frame.number());
    }
    GST_LOG_OBJECT(self, "frame %" G_GUINT64_FORMAT ", %" G_GINT64_FORMAT " ns old", frame.number(),
                   static_cast<gint64>(age));
}

TimestampMode timestamp_mode(NdshSrc* self, const Frame& frame) {
    SrcState& state = *self->state;
    if (frame.first_of_writer()) {
        state.writer_has_backpressure = state.tag_reader.writer_has_backpressure();
    }
    const TimestampMode mode = current_policy(self).timestamps;
    if (mode != TimestampMode::Auto) {
        return mode;
    }
    return state.writer_has_backpressure ? TimestampMode::Stream : TimestampMode::Clock;
}

GstFlowReturn create_buffer(NdshSrc* self, GstBuffer** out) {
    SrcState& state = *self->state;
    if (state.unsent) {
        *out = gst_buffer_ref(state.unsent.get());
        return GST_FLOW_OK;
    }
    ReadResult result = read_frame(self);
    if (result.flow != GST_FLOW_OK) {
        return result.flow;
    }
    note_arrival(self, result.frame);
    const auto caps =
        from_settings(self, [](const SrcSettings& settings) { return share(settings.caps.get()); });
    const GstFlowReturn flow = state.delivery.send_caps(result.frame, caps.get());
    if (flow != GST_FLOW_OK) {
        return flow;
    }
    const TimestampMode mode = timestamp_mode(self, result.frame);
    *out = state.delivery.buffer(std::move(result.frame), mode).release();
    if (*out && state.takes_every_frame) {
        state.unsent.reset(gst_buffer_ref(*out));
    }
    return *out ? GST_FLOW_OK : GST_FLOW_ERROR;
}

GstFlowReturn create(GstPushSrc* src, GstBuffer** out) {
    return guarded(GST_ELEMENT(src), {}, GST_FLOW_ERROR, [&] { return create_buffer(to_self(src), out); });
}

// ------------------------------------------------------------------------------------------------ GObject

G_DEFINE_TYPE(NdshSrc, ndsh_src, GST_TYPE_PUSH_SRC)

gboolean handle_query(GstBaseSrc* src, GstQuery* query) {
    if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
        // What is too late is skipped and what is too early waits, so there is no most that we could bear.
        const auto minimum = static_cast<GstClockTime>(to_self(src)->state->delivery.latency());
        gst_query_set_latency(query, TRUE, minimum, GST_CLOCK_TIME_NONE);
        return TRUE;
    }
    return GST_BASE_SRC_CLASS(ndsh_src_parent_class)->query(src, query);
}

gboolean send_event(GstElement* element, GstEvent* event) {
    SrcState& state = *to_self(element)->state;
    const GstEventType type = GST_EVENT_TYPE(event);
    if (type == GST_EVENT_FLUSH_START) {
        state.tag_reader.set_flushed(true);
    } else if (type == GST_EVENT_FLUSH_STOP) {
        state.tag_reader.set_flushed(false);
        state.delivery.flush();
    }
    return GST_ELEMENT_CLASS(ndsh_src_parent_class)->send_event(element, event);
}

/// A source that sent EOS, whatever for, is not called any more and must not hold up the writer.
GstPadProbeReturn on_event_sent(GstPad*, GstPadProbeInfo* info, gpointer self) {
    if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS) {
        to_self(self)->state->tag_reader.set_ended();
    }
    return GST_PAD_PROBE_OK;
}

GstPadProbeReturn on_buffer_sent(GstPad*, GstPadProbeInfo*, gpointer self) {
    to_self(self)->state->unsent.reset();
    return GST_PAD_PROBE_OK;
}

/// The base class asks about allocation even before there are caps, which not every element can bear.
GstPadProbeReturn on_query_sent(GstPad*, GstPadProbeInfo* info, gpointer) {
    GstQuery* query = GST_PAD_PROBE_INFO_QUERY(info);
    if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION) {
        return GST_PAD_PROBE_OK;
    }
    GstCaps* caps = nullptr;
    gst_query_parse_allocation(query, &caps, nullptr);
    return caps ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

/// The base class lets go of create() only at the next frame; in PAUSED none must be taken.
GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
    SrcState& state = *to_self(element)->state;
    if (transition == GST_STATE_CHANGE_READY_TO_PAUSED || transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING) {
        state.tag_reader.set_paused(false);
        state.delivery.play();
    }
    if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) {
        state.tag_reader.set_paused(true);
        // Relaxed: only this thread looks for itself.
        state.pausing_thread.store(std::this_thread::get_id(), std::memory_order_relaxed);
    }
    const auto result = GST_ELEMENT_CLASS(ndsh_src_parent_class)->change_state(element, transition);
    state.pausing_thread.store({}, std::memory_order_relaxed);
    return result;
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
    NdshSrc* self = to_self(object);
    if (static_cast<SrcProperty>(id) == SrcProperty::Stats) {
        const SrcState& state = *self->state;
        const SrcStats stats{state.tag_reader.stats(), state.delivery.copied(),
                             state.delivery.dropped_metas(), state.age_at_arrival};
        g_value_take_boxed(value, to_structure(stats));
        return;
    }
    const std::lock_guard lock(self->state->mutex);
    if (!get_src_property(self->state->settings, static_cast<SrcProperty>(id), value)) {
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
    SrcState& state = *to_self(object)->state;
    const std::lock_guard lock(state.mutex);
    if (!set_src_property(state.settings, static_cast<SrcProperty>(id), value)) {
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    } else if (static_cast<SrcProperty>(id) == SrcProperty::Tag) {
        state.tag_reader.set_tag(state.settings.tag);
    }
}

void finalize(GObject* object) {
    std::destroy_at(&to_self(object)->state);
    G_OBJECT_CLASS(ndsh_src_parent_class)->finalize(object);
}

void ndsh_src_init(NdshSrc* self) {
    GstBaseSrc* src = GST_BASE_SRC(self);
    std::construct_at(&self->state, std::make_unique<SrcState>(src));
    gst_base_src_set_live(src, TRUE);
    gst_base_src_set_format(src, GST_FORMAT_TIME);
    GstPad* pad = GST_BASE_SRC_PAD(src);
    gst_pad_use_fixed_caps(pad);
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_event_sent, self, nullptr);
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer_sent, self, nullptr);
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, on_query_sent, nullptr, nullptr);
}

void describe_element(GstElementClass* klass) {
    const Owned<GstCaps> caps(video_template_caps());
    gst_element_class_add_pad_template(klass,
                                       gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps.get()));
    gst_element_class_set_static_metadata(
        klass, "Shared array video source", "Source/Video",
        "Reads raw video frames that another process shares as arrays in shared memory, under a tag",
        "The ndsharray authors");
    gst_element_class_add_static_metadata(klass, GST_ELEMENT_METADATA_DOC_URI, DOCUMENTATION_URI "#ndshsrc");
}

void ndsh_src_class_init(NdshSrcClass* klass) {
    GST_DEBUG_CATEGORY_INIT(ndshsrc_debug, "ndshsrc", 0, "Shared array video source");
    GObjectClass* object = G_OBJECT_CLASS(klass);
    object->set_property = set_property;
    object->get_property = get_property;
    object->finalize = finalize;
    install_src_properties(object);

    GstElementClass* element = GST_ELEMENT_CLASS(klass);
    describe_element(element);
    element->change_state = GST_DEBUG_FUNCPTR(change_state);
    element->send_event = GST_DEBUG_FUNCPTR(send_event);

    GstBaseSrcClass* src = GST_BASE_SRC_CLASS(klass);
    src->start = GST_DEBUG_FUNCPTR(start);
    src->stop = GST_DEBUG_FUNCPTR(stop);
    src->unlock = GST_DEBUG_FUNCPTR(unlock);
    src->unlock_stop = GST_DEBUG_FUNCPTR(unlock_stop);
    src->negotiate = GST_DEBUG_FUNCPTR(negotiate);
    src->decide_allocation = GST_DEBUG_FUNCPTR(decide_allocation);
    src->query = GST_DEBUG_FUNCPTR(handle_query);
    src->is_seekable = [](GstBaseSrc*) -> gboolean { return FALSE; };
    GST_PUSH_SRC_CLASS(klass)->create = GST_DEBUG_FUNCPTR(create);
}

}  // namespace

GST_ELEMENT_REGISTER_DEFINE(ndshsrc, "ndshsrc", GST_RANK_NONE, ndsh_src_get_type())

}  // namespace ndsharray::gst
