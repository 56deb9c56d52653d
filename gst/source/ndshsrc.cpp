// SPDX-License-Identifier: BSD-3-Clause
// ndshsrc: reads the video frames of a tag.

/**
 * SECTION:element-ndshsrc
 * @title: ndshsrc
 * @short_description: Reads raw video frames that another process shares as arrays in shared memory
 *
 * Reads the frames of the tag #NdshSrc:tag. The writer is ndshsink, or any program with the library or with
 * the Python package ndsharray 1.x. The buffers are the shared memory itself, read-only. An element that
 * wants to change a buffer gets a copy. The writer may start later, stop and come back: the source waits for
 * it.
 *
 * With #NdshSrc:mode=latest, a slow source skips frames. With `every`, it gets each frame in order, and all
 * frames if the writer has backpressure. Missed frames are counted in #NdshSrc:stats, and the next buffer has
 * DISCONT. A sink that waits for the clock blocks this element meanwhile. At high frame rates, put a queue
 * between them.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 ndshsrc tag=cam0 ! videoconvert ! autovideosink
 * ]|
 * Shows the frames of `gst-launch-1.0 videotestsrc is-live=true ! ndshsink tag=cam0`. Both may start first.
 *
 * |[
 * gst-launch-1.0 ndshsrc tag=array0 caps=video/x-raw,format=BGR,framerate=30/1 ! videoconvert ! autovideosink
 * ]|
 * Shows (height, width, 3) uint8 arrays that a program writes in the channel order of OpenCV.
 */

#include "source/ndshsrc.hpp"

#include <gst/base/gstpushsrc.h>
#include <gst/video/video.h>

#include <ndsharray/tag.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "errors.hpp"
#include "owned.hpp"
#include "source/pad_probe.hpp"
#include "source/source_loop.hpp"
#include "source/src_properties.hpp"
#include "source/tag_reader.hpp"
#include "source/tag_uri.hpp"
#include "source/task_end.hpp"
#include "video/caps.hpp"

GST_DEBUG_CATEGORY(ndshsrc_debug);
#define GST_CAT_DEFAULT ndshsrc_debug

namespace ndsharray::gst {
namespace {

GstPadProbeReturn on_sent(GstPad*, GstPadProbeInfo*, gpointer);
GstPadProbeReturn on_query_sent(GstPad*, GstPadProbeInfo*, gpointer);

struct SrcState {
    explicit SrcState(GstBaseSrc* src)
        : loop(src, settings, tag_reader),
          what_is_sent(GST_BASE_SRC_PAD(src), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_BUFFER,
                       on_sent, src),
          queries(GST_BASE_SRC_PAD(src), GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, on_query_sent, nullptr) {}

    SharedSettings settings;
    TagReader tag_reader;
    SourceLoop loop;
    std::atomic<std::thread::id> pausing_thread;  // the thread that goes from PLAYING to PAUSED, if any

    // For start() and for the streaming thread.
    PadProbe what_is_sent;  // in mode Every
    PadProbe queries;       // before there are caps
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

// ---------------------------------------------------------------------------------------- start and stop

/// From the next frame on, reads with the present tag and options.
void follow_settings(SrcState& state) {
    state.settings.with(
        [&](const SrcSettings& settings) { state.tag_reader.move_to(settings.tag, settings.reader); });
}

gboolean start(GstBaseSrc* src) {
    NdshSrc* self = to_self(src);
    SrcState& state = *self->state;
    return guarded(GST_ELEMENT(src), {}, FALSE, [&] {
        const auto settings =
            state.settings.with([](const SrcSettings& now) { return std::pair(now.tag, now.reader); });
        const std::string& tag = settings.first;
        return guarded(GST_ELEMENT(src), tag, FALSE, [&] {
            state.tag_reader.open(tag, settings.second);
            follow_settings(state);  // the settings may have changed meanwhile
            state.loop.restart();
            state.queries.set_present(true);
            GST_INFO_OBJECT(self, "reading from tag %s", tag.c_str());
            return TRUE;
        });
    });
}

gboolean stop(GstBaseSrc* src) {
    SrcState& state = *to_self(src)->state;
    return guarded(GST_ELEMENT(src), {}, TRUE, [&] {
        state.tag_reader.close();
        state.loop.stop();
        return TRUE;
    });
}

/// unlock() ends the wait of create() for a flush or a stop. A pause does not use it, but set_paused(): the
/// base class calls unlock_stop() for a pause only when create() has returned. If the element plays again by
/// then, the base class would take the flow return FLUSHING for a stop.
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

/// The first frame brings the caps. There is nothing to negotiate before.
gboolean negotiate(GstBaseSrc*) {
    return TRUE;
}

/// The memory belongs to the writer. So only one thing in downstream's answer matters: whether it understands
/// strides.
gboolean decide_allocation(GstBaseSrc* src, GstQuery* query) {
    while (gst_query_get_n_allocation_pools(query) > 0) {
        gst_query_remove_nth_allocation_pool(query, 0);
    }
    const bool takes_it = gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
    to_self(src)->state->loop.builder().set_takes_video_meta(takes_it);
    return TRUE;
}

// ------------------------------------------------------------------------------------------------ reading

/// In mode Every a writer may wait for this source, and a buffer that does not pass the pad is sent again. In
/// mode Latest a buffer counts as sent: what keeps it from passing is a pause or a flush, and the next buffer
/// after these has DISCONT in any case.
void watch_what_is_sent(SrcState& state) {
    const bool is_watched = state.tag_reader.mode() == ReadMode::Every;
    state.what_is_sent.set_present(is_watched);
    if (!is_watched) {
        state.loop.sent();
    }
}

GstFlowReturn create(GstPushSrc* src, GstBuffer** out) {
    SrcState& state = *to_self(src)->state;
    return guarded(GST_ELEMENT(src), {}, GST_FLOW_ERROR, [&] {
        SourceLoop::Result result = state.loop.next();
        watch_what_is_sent(state);
        if (result.flow == GST_FLOW_OK) {
            state.queries.set_present(false);  // downstream has caps
        }
        *out = result.buffer.release();
        return result.flow;
    });
}

/// A buffer has passed the pad. Or it is EOS: then the source is not called any more and must not hold up the
/// writer, not even while downstream handles the EOS.
GstPadProbeReturn on_sent(GstPad*, GstPadProbeInfo* info, gpointer self) {
    SrcState& state = *to_self(self)->state;
    if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) {
        state.loop.sent();
    } else if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS) {
        state.tag_reader.set_ended();
    }
    return GST_PAD_PROBE_OK;
}

/// The base class asks about allocation even before there are caps. Some elements fail then.
GstPadProbeReturn on_query_sent(GstPad*, GstPadProbeInfo* info, gpointer) {
    GstQuery* query = GST_PAD_PROBE_INFO_QUERY(info);
    if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION) {
        return GST_PAD_PROBE_OK;
    }
    GstCaps* caps = nullptr;
    gst_query_parse_allocation(query, &caps, nullptr);
    return caps ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

// ------------------------------------------------------------------------------------------------ GObject

void uri_handler_init(gpointer interface, gpointer);

G_DEFINE_TYPE_WITH_CODE(NdshSrc, ndsh_src, GST_TYPE_PUSH_SRC,
                        G_IMPLEMENT_INTERFACE(GST_TYPE_URI_HANDLER, uri_handler_init))

gboolean handle_query(GstBaseSrc* src, GstQuery* query) {
    if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY) {
        // Late frames are skipped and early frames wait. So there is no maximum latency.
        const auto minimum = static_cast<GstClockTime>(to_self(src)->state->loop.builder().latency());
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
        state.loop.continuity().flush();
    }
    return GST_ELEMENT_CLASS(ndsh_src_parent_class)->send_event(element, event);
}

/// If downstream is flushed or stopped, it takes no frame. Then the source must not hold up the writer
/// either. It may go on later.
gboolean post_message(GstElement* element, GstMessage* message) {
    TagReader& reader = to_self(element)->state->tag_reader;
    guarded(element, {}, FALSE, [&] {
        watch_task(element, message, [&reader] { reader.set_ended(); });
        return TRUE;
    });
    return GST_ELEMENT_CLASS(ndsh_src_parent_class)->post_message(element, message);
}

/// The base class ends create() only at the next frame. In PAUSED, no frame may be taken.
GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
    SrcState& state = *to_self(element)->state;
    if (transition == GST_STATE_CHANGE_READY_TO_PAUSED || transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING) {
        state.tag_reader.set_paused(false);
        state.loop.continuity().play();
    }
    if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) {
        state.loop.continuity().pause();
        state.tag_reader.set_paused(true);
        // Relaxed: a thread compares this only with its own id.
        state.pausing_thread.store(std::this_thread::get_id(), std::memory_order_relaxed);
    }
    const auto result = GST_ELEMENT_CLASS(ndsh_src_parent_class)->change_state(element, transition);
    state.pausing_thread.store({}, std::memory_order_relaxed);
    return result;
}

void get_any_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
    SrcState& state = *to_self(object)->state;
    if (static_cast<SrcProperty>(id) == SrcProperty::Stats) {
        g_value_take_boxed(value, to_structure(state.loop.stats()));
        return;
    }
    const bool known = state.settings.with([&](const SrcSettings& settings) {
        return get_src_property(settings, static_cast<SrcProperty>(id), value);
    });
    if (!known) {
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

/// Without memory the value stays what it is by default.
void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
    guarded(GST_ELEMENT(object), {}, FALSE, [&] {
        get_any_property(object, id, value, spec);
        return TRUE;
    });
}

/// The reason why a running source cannot move to another tag. Empty if it can.
std::string refusal(const SrcState& state, const GValue* tag) {
    const char* given = g_value_get_string(tag);
    return state.tag_reader.is_open() ? tag_problem(given ? given : "") : std::string();
}

void set_tag(NdshSrc* self, const GValue* value) {
    SrcState& state = *self->state;
    if (const std::string problem = refusal(state, value); !problem.empty()) {
        GST_ELEMENT_WARNING(self, RESOURCE, SETTINGS, ("Not moved to another tag: %s.", problem.c_str()),
                            ("still reading from tag \"%s\"", state.tag_reader.tag().c_str()));
        return;
    }
    state.settings.with([&](SrcSettings& settings) {
        set_src_property(settings, SrcProperty::Tag, value);
        state.loop.continuity().move();
        state.tag_reader.move_to(settings.tag, settings.reader);
    });
}

void set_any_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
    NdshSrc* self = to_self(object);
    const auto property = static_cast<SrcProperty>(id);
    if (property == SrcProperty::Tag) {
        set_tag(self, value);
        return;
    }
    const bool known = self->state->settings.with(
        [&](SrcSettings& settings) { return set_src_property(settings, property, value); });
    if (!known) {
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
    if (property == SrcProperty::MinLatency) {
        self->state->loop.builder().set_min_latency(self->state->settings.policy().min_latency);
        return;
    }
    self->state->tag_reader.interrupt();  // a running wait follows the new settings
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
    guarded(GST_ELEMENT(object), {}, FALSE, [&] {
        set_any_property(object, id, value, spec);
        return TRUE;
    });
}

char* get_uri(GstURIHandler* handler) {
    return guarded<char*>(GST_ELEMENT(handler), {}, nullptr, [&] {
        const std::string uri = uri_of(G_OBJECT(handler));
        return uri.empty() ? nullptr : g_strdup(uri.c_str());
    });
}

gboolean set_uri(GstURIHandler* handler, const char* uri, GError** error) {
    try {
        set_from_uri(G_OBJECT(handler), TagUri::parse(uri));
        return TRUE;
    } catch (const std::exception& problem) {
        g_set_error_literal(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI, problem.what());
        return FALSE;
    }
}

void uri_handler_init(gpointer interface, gpointer) {
    static const char* const protocols[] = {uri_scheme, nullptr};
    auto* handler = static_cast<GstURIHandlerInterface*>(interface);
    handler->get_type = [](GType) { return GST_URI_SRC; };
    handler->get_protocols = [](GType) { return static_cast<const char* const*>(protocols); };
    handler->get_uri = get_uri;
    handler->set_uri = set_uri;
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
    gst_pad_use_fixed_caps(GST_BASE_SRC_PAD(src));
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
    element->post_message = GST_DEBUG_FUNCPTR(post_message);

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
