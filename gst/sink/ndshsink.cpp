// SPDX-License-Identifier: BSD-3-Clause
// ndshsink: publishes raw video frames under a tag.

/**
 * SECTION:element-ndshsink
 * @title: ndshsink
 * @short_description: Shares raw video frames with other processes as arrays in shared memory
 *
 * Writes each frame into shared memory as an N-dimensional array under the tag #NdshSink:tag. Any number of
 * readers on the same machine get the frame without a copy, with its caps, times and flags. Pipelines read it
 * by ndshsrc, programs by the library. Readers may attach and detach at any time. They never hold this
 * element up, unless #NdshSink:backpressure is set.
 *
 * The sink publishes a frame at its time on the clock, so that a file plays at its own rate. With
 * `sync=false` it publishes a frame as soon as it comes; a live source then has the lowest latency. The
 * frame's time crosses in both cases.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc is-live=true ! video/x-raw,width=640,height=480 ! ndshsink tag=cam0
 * ]|
 * Shares a test picture under the tag cam0. `gst-launch-1.0 ndshsrc tag=cam0 ! videoconvert ! autovideosink`
 * shows it.
 *
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=300 ! ndshsink tag=take1 backpressure=true wait-for-reader=true
 * sync=false
 * ]|
 * Passes on each frame exactly once, as fast as the reader takes them. The reader is
 * `gst-launch-1.0 ndshsrc tag=take1 mode=every ! videoconvert ! autovideosink`.
 *
 * |[
 * gst-launch-1.0 videotestsrc is-live=true ! video/x-raw,format=BGR ! ndshsink tag=cam0 compat=true
 * ]|
 * Also shares with scripts that use the Python package ndsharray 1.x.
 */

#include "sink/ndshsink.hpp"

#include <gst/base/gstbasesink.h>

#include <ndsharray/writer.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "errors.hpp"
#include "metadata/format.hpp"
#include "owned.hpp"
#include "prefetch.hpp"
#include "sink/decoder_advice.hpp"
#include "sink/loopback.hpp"
#include "sink/negotiation.hpp"
#include "sink/preroll_lock.hpp"
#include "sink/publisher.hpp"
#include "sink/reader_messages.hpp"
#include "sink/refused_caps.hpp"
#include "sink/sink_properties.hpp"
#include "sink/tag_writer.hpp"
#include "video/caps.hpp"

GST_DEBUG_CATEGORY(ndshsink_debug);
#define GST_CAT_DEFAULT ndshsink_debug

namespace ndsharray::gst {
namespace {

struct SinkState {
    explicit SinkState(GstBaseSink* sink) : news(GST_ELEMENT(sink)), publisher(sink) {}

    TagWriter& tag_writer() { return *publisher.tag_writer(); }

    std::mutex mutex;  // guards the settings; never held during a wait or a notification
    SinkSettings settings;
    std::atomic<bool> settings_changed = false;  // since the tag was opened

    ReaderMessages news;
    RefusedCaps refused;

    // Only for the streaming thread.
    Publisher publisher;
    std::shared_ptr<const SlotFormat> format;  // of the buffers; nothing before the first caps
    bool reader_awaited = false;               // wait-for-reader has been answered
};

struct NdshSink {
    GstBaseSink parent;
    std::unique_ptr<SinkState> state;
};

struct NdshSinkClass {
    GstBaseSinkClass parent;
};

NdshSink* to_self(gpointer instance) {
    return static_cast<NdshSink*>(instance);
}

SinkSettings current_settings(NdshSink* self) {
    const std::lock_guard lock(self->state->mutex);
    return self->state->settings;
}

/// guarded(), which tells the tag, too. A copy of the settings takes memory.
template <class Result, class Function>
Result guarded_with_tag(NdshSink* self, Result on_error, Function&& function) noexcept {
    return guarded(GST_ELEMENT(self), {}, on_error, [&] {
        const std::string tag = current_settings(self).tag;
        return guarded(GST_ELEMENT(self), tag, on_error, function);
    });
}

// ---------------------------------------------------------------------------------------- start and stop

gboolean open_tag(NdshSink* self) {
    SinkState& state = *self->state;
    state.settings_changed = false;
    SinkSettings settings = current_settings(self);
    settings.writer.metadata_capacity = metadata_capacity;
    state.publisher.restart();
    state.format.reset();
    state.news.start(settings.tag);
    state.reader_awaited = !settings.wait_for_reader;
    state.tag_writer().open(settings.tag, settings.writer,
                            [&state](const ReaderChange& change) { state.news.tell(change); });
    GST_INFO_OBJECT(self, "writing under tag %s", settings.tag.c_str());
    return TRUE;
}

gboolean close_tag(NdshSink* self) {
    self->state->publisher.finish();
    self->state->format.reset();
    if (!self->state->tag_writer().close()) {
        GST_WARNING_OBJECT(self, "stopped, although a reader has not taken the last frame");
    }
    self->state->news.stop();
    return TRUE;
}

gboolean start(GstBaseSink* sink) {
    NdshSink* self = to_self(sink);
    return guarded_with_tag(self, FALSE, [&] { return open_tag(self); });
}

gboolean stop(GstBaseSink* sink) {
    return guarded(GST_ELEMENT(sink), {}, TRUE, [&] { return close_tag(to_self(sink)); });
}

gboolean unlock(GstBaseSink* sink) {
    to_self(sink)->state->tag_writer().unlock();
    return TRUE;
}

gboolean unlock_stop(GstBaseSink* sink) {
    to_self(sink)->state->tag_writer().lock();
    return TRUE;
}

/// The base class calls start() at NULL -> READY. If a setting changed in READY, the tag is opened again.
bool reopen_if_changed(NdshSink* self) {
    return !self->state->settings_changed || (stop(GST_BASE_SINK(self)) && start(GST_BASE_SINK(self)));
}

// ------------------------------------------------------------------------------------------------ frames

gboolean configure(NdshSink* self, GstCaps* caps) {
    SinkState& state = *self->state;
    auto format = slot_format(GST_ELEMENT(self), caps);
    if (!format) {
        return FALSE;
    }
    state.format = std::move(format);
    state.tag_writer().set_format(state.format);
    return TRUE;
}

GstCaps* get_caps(GstBaseSink* sink, GstCaps* filter) {
    return caps_to_link(GST_ELEMENT(sink), filter);
}

gboolean set_caps(GstBaseSink* sink, GstCaps* caps) {
    NdshSink* self = to_self(sink);
    RefusedCaps& refused = self->state->refused;
    if (refused.are(caps)) {
        return FALSE;
    }
    const gboolean accepted = guarded_with_tag(self, FALSE, [&] { return configure(self, caps); });
    if (accepted) {
        refused.forget();
    } else {
        refused.note(caps);
    }
    return accepted;
}

gboolean propose_allocation(GstBaseSink* sink, GstQuery* query) {
    return guarded(GST_ELEMENT(sink), {}, FALSE, [&] {
        offer_slots(query, to_self(sink)->state->publisher.tag_writer());
        return TRUE;
    });
}

Outcome await_reader(NdshSink* self) {
    SinkState& state = *self->state;
    if (!state.reader_awaited) {
        GST_INFO_OBJECT(self, "waiting for a reader");
        if (state.tag_writer().writer().wait_for_reader() == WriteStatus::Cancelled) {
            return Outcome::Interrupted;
        }
        state.reader_awaited = true;
    }
    return Outcome::Done;
}

Outcome write(NdshSink* self, GstBuffer* buffer) {
    if (await_reader(self) == Outcome::Interrupted) {
        return Outcome::Interrupted;
    }
    const Outcome outcome = self->state->publisher.publish(buffer);
    if (outcome == Outcome::Failed) {
        const Error error = self->state->tag_writer().writer().error();
        if (error.code() != ErrorCode::None) {
            post_error(GST_ELEMENT(self), error, current_settings(self).tag);
        } else {
            GST_ELEMENT_ERROR(self, RESOURCE, WRITE, ("The tag cannot be written any more."),
                              ("Writer is closed"));
        }
    }
    return outcome;
}

Outcome prepare(NdshSink* self, const std::shared_ptr<const SlotFormat>& format) {
    Publisher& publisher = self->state->publisher;
    if (publisher.is_prepared(format)) {
        return Outcome::Done;
    }
    return guarded_with_tag(self, Outcome::Failed, [&] { return publisher.prepare(format); });
}

GstFlowReturn render_buffer(NdshSink* self, GstBuffer* buffer) {
    const auto& format = self->state->format;
    if (!format) {
        if (!self->state->refused.are_any()) {
            GST_ELEMENT_ERROR(self, STREAM, WRONG_TYPE, ("%s", decoder_advice().c_str()),
                              ("%" GST_PTR_FORMAT " without caps", printable(buffer)));
        }
        return GST_FLOW_NOT_NEGOTIATED;
    }
    return until_done(GST_BASE_SINK(self), [&] {
        const Outcome prepared = prepare(self, format);
        return prepared == Outcome::Done ? write(self, buffer) : prepared;
    });
}

GstFlowReturn render(GstBaseSink* sink, GstBuffer* buffer) {
    NdshSink* self = to_self(sink);
    prefetch(self->state.get());
    return guarded(GST_ELEMENT(sink), {}, GST_FLOW_ERROR, [&] { return render_buffer(self, buffer); });
}

/// Readers get the end of the stream after they have taken the last frame, or could have taken it.
GstFlowReturn finish_stream(NdshSink* self) {
    Writer& writer = self->state->tag_writer().writer();
    GstFlowReturn flow = GST_FLOW_OK;
    if (writer.options().backpressure) {
        GST_DEBUG_OBJECT(self, "waiting until readers have the last frame");
        do {  // also after GST_FLOW_STEP: EOS outlasts a step
            flow = until_done(GST_BASE_SINK(self), [&] {
                return writer.drain() == WriteStatus::Cancelled ? Outcome::Interrupted : Outcome::Done;
            });
        } while (flow != GST_FLOW_OK && flow != GST_FLOW_FLUSHING);
    }
    if (flow == GST_FLOW_OK) {
        GST_INFO_OBJECT(self, "end of stream");
        self->state->publisher.finish();
        writer.end_of_stream();
    }
    return flow;
}

// ----------------------------------------------------------------------------------------------- GObject

G_DEFINE_TYPE(NdshSink, ndsh_sink, GST_TYPE_BASE_SINK)

gboolean handle_query(GstBaseSink* sink, GstQuery* query) {
    const gboolean handled = GST_BASE_SINK_CLASS(ndsh_sink_parent_class)->query(sink, query);
    if (GST_QUERY_TYPE(query) != GST_QUERY_ACCEPT_CAPS || !handled) {
        return handled;
    }
    GstCaps* caps = nullptr;
    gboolean accepted = FALSE;
    gst_query_parse_accept_caps(query, &caps);
    gst_query_parse_accept_caps_result(query, &accepted);
    if (!accepted) {
        guarded(GST_ELEMENT(sink), {}, FALSE, [&] {
            explain_refusal(sink, to_self(sink)->state->refused, caps);
            return TRUE;
        });
    }
    return TRUE;
}

gboolean handle_event(GstBaseSink* sink, GstEvent* event) {
    const GstFlowReturn flow = guarded(GST_ELEMENT(sink), {}, GST_FLOW_ERROR, [&] {
        to_self(sink)->state->publisher.observe(event);
        return GST_EVENT_TYPE(event) == GST_EVENT_EOS ? finish_stream(to_self(sink)) : GST_FLOW_OK;
    });
    if (flow != GST_FLOW_OK) {
        gst_event_unref(event);
        return FALSE;
    }
    return GST_BASE_SINK_CLASS(ndsh_sink_parent_class)->event(sink, event);
}

/// \returns whether frames may come.
bool get_ready(GstElement* element) {
    // Such a pipeline could never preroll: its other sink waits for frames that come only in PLAYING.
    if (is_read_in_pipeline_of(element, current_settings(to_self(element)).tag)) {
        gst_base_sink_set_async_enabled(GST_BASE_SINK(element), FALSE);
    }
    to_self(element)->state->refused.forget();
    return can_be_fed(GST_BASE_SINK(element)) && reopen_if_changed(to_self(element));
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
    if (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
        !guarded(element, {}, false, [&] { return get_ready(element); })) {
        return GST_STATE_CHANGE_FAILURE;
    }
    const auto change = [&] {
        return GST_ELEMENT_CLASS(ndsh_sink_parent_class)->change_state(element, transition);
    };
    return transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING
               ? while_unlocked(GST_BASE_SINK(element), to_self(element)->state->tag_writer(), change)
               : change();
}

void get_any_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
    NdshSink* self = to_self(object);
    const auto property = static_cast<SinkProperty>(id);
    if (property == SinkProperty::NumReaders) {
        g_value_set_uint(value, self->state->news.readers());
    } else if (property == SinkProperty::Stats) {
        SinkState& state = *self->state;
        const Publisher& publisher = state.publisher;
        g_value_take_boxed(value, to_structure({state.tag_writer().stats(), publisher.copied(),
                                                publisher.dropped_metas(), publisher.lost()}));
    } else {
        const std::lock_guard lock(self->state->mutex);
        if (!get_sink_property(self->state->settings, property, value)) {
            G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
        }
    }
}

/// Without memory the value stays what it is by default.
void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
    guarded(GST_ELEMENT(object), {}, FALSE, [&] {
        get_any_property(object, id, value, spec);
        return TRUE;
    });
}

void set_any_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
    SinkState& state = *to_self(object)->state;
    const std::lock_guard lock(state.mutex);
    if (!set_sink_property(state.settings, static_cast<SinkProperty>(id), value)) {
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
        return;
    }
    state.settings_changed = true;
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
    guarded(GST_ELEMENT(object), {}, FALSE, [&] {
        set_any_property(object, id, value, spec);
        return TRUE;
    });
}

void finalize(GObject* object) {
    std::destroy_at(&to_self(object)->state);
    G_OBJECT_CLASS(ndsh_sink_parent_class)->finalize(object);
}

void ndsh_sink_init(NdshSink* self) {
    std::construct_at(&self->state, std::make_unique<SinkState>(GST_BASE_SINK(self)));
    GstBaseSink* sink = GST_BASE_SINK(self);
    // At its time on the clock a frame needs no more processing, so no time is reserved for that.
    gst_base_sink_set_processing_deadline(sink, 0);
    // The last buffer would keep a slot, and giving back the one before it would hold up each frame.
    gst_base_sink_set_last_sample_enabled(sink, FALSE);
}

void describe_element(GstElementClass* klass) {
    const Owned<GstCaps> caps(video_template_caps());
    gst_element_class_add_pad_template(
        klass, gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps.get()));
    gst_element_class_set_static_metadata(
        klass, "Shared array video sink", "Sink/Video",
        "Shares raw video frames with other processes as arrays in shared memory, under a tag",
        "The ndsharray authors");
    gst_element_class_add_static_metadata(klass, GST_ELEMENT_METADATA_DOC_URI, DOCUMENTATION_URI "#ndshsink");
}

void ndsh_sink_class_init(NdshSinkClass* klass) {
    GST_DEBUG_CATEGORY_INIT(ndshsink_debug, "ndshsink", 0, "Shared array video sink");
    GObjectClass* object = G_OBJECT_CLASS(klass);
    object->set_property = set_property;
    object->get_property = get_property;
    object->finalize = finalize;
    install_sink_properties(object);
    install_reader_signals(object);

    describe_element(GST_ELEMENT_CLASS(klass));
    GST_ELEMENT_CLASS(klass)->change_state = GST_DEBUG_FUNCPTR(change_state);

    GstBaseSinkClass* sink = GST_BASE_SINK_CLASS(klass);
    sink->start = GST_DEBUG_FUNCPTR(start);
    sink->stop = GST_DEBUG_FUNCPTR(stop);
    sink->unlock = GST_DEBUG_FUNCPTR(unlock);
    sink->unlock_stop = GST_DEBUG_FUNCPTR(unlock_stop);
    sink->get_caps = GST_DEBUG_FUNCPTR(get_caps);
    sink->set_caps = GST_DEBUG_FUNCPTR(set_caps);
    sink->propose_allocation = GST_DEBUG_FUNCPTR(propose_allocation);
    sink->query = GST_DEBUG_FUNCPTR(handle_query);
    sink->event = GST_DEBUG_FUNCPTR(handle_event);
    sink->render = GST_DEBUG_FUNCPTR(render);
}

}  // namespace

GST_ELEMENT_REGISTER_DEFINE(ndshsink, "ndshsink", GST_RANK_NONE, ndsh_sink_get_type())

}  // namespace ndsharray::gst
