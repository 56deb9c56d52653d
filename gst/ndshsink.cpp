// SPDX-License-Identifier: BSD-3-Clause
// ndshsink: writes raw video frames under a tag.

/**
 * SECTION:element-ndshsink
 * @title: ndshsink
 * @short_description: Shares raw video frames with other processes as arrays in shared memory
 *
 * Writes every frame into shared memory as an N-dimensional array under the name given by #NdshSink:tag.
 * Any number of readers on the same machine get it without a copy, with its caps, times and flags: other
 * pipelines through ndshsrc, programs through the library. Readers may come and go, before and after this
 * element; they never hold it up, unless #NdshSink:backpressure asks for that.
 *
 * Frames are written when the clock says that it is time to show them, so that a file plays at its own rate.
 * A live source has the lowest latency with `sync=false`, which writes each frame as soon as it comes; its
 * time crosses either way.
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
 * Hands over every frame, exactly once and as fast as the reader takes them, to
 * `gst-launch-1.0 ndshsrc tag=take1 mode=every ! videoconvert ! autovideosink`.
 */

#include "ndshsink.hpp"

#include <gst/base/gstbasesink.h>
#include <gst/video/video.h>

#include <ndsharray/writer.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "buffer_info.hpp"
#include "errors.hpp"
#include "frame_caps.hpp"
#include "frame_copy.hpp"
#include "frame_time.hpp"
#include "owned.hpp"
#include "sink_properties.hpp"
#include "tag_writer.hpp"
#include "video_layout.hpp"

GST_DEBUG_CATEGORY_STATIC(ndshsink_debug);
#define GST_CAT_DEFAULT ndshsink_debug

namespace ndsharray::gst {
namespace {

struct SinkState {
    std::mutex mutex;  // guards the next two, and is never held while waiting or notifying
    SinkSettings settings;
    bool settings_changed = false;  // since the tag was opened

    TagWriter tag_writer;
    std::atomic<unsigned> readers = 0;
    std::atomic<std::uint64_t> copied = 0;
    std::atomic<std::uint64_t> lost = 0;  // frames dropped for another reason than a missing slot

    // Only for the streaming thread.
    GstVideoInfo info{};
    VideoLayout layout;
    PipelineClock clock;
    bool reader_awaited = false;  // wait-for-reader has been answered
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

std::string current_tag(NdshSink* self) {
    const std::lock_guard lock(self->state->mutex);
    return self->state->settings.tag;
}

// ---------------------------------------------------------------------------------------- start and stop

void set_readers(NdshSink* self, unsigned readers) {
    if (self->state->readers.exchange(readers) != readers) {
        GST_INFO_OBJECT(self, "%u readers", readers);
        g_object_notify(G_OBJECT(self), "num-readers");
    }
}

gboolean open_tag(NdshSink* self) {
    SinkState& state = *self->state;
    SinkSettings settings;
    {
        const std::lock_guard lock(state.mutex);
        settings = state.settings;
        state.settings_changed = false;
    }
    state.copied = 0;
    state.lost = 0;
    state.reader_awaited = !settings.wait_for_reader;
    state.info = {};
    state.tag_writer.open(settings.tag, settings.writer,
                          [self](unsigned readers) { set_readers(self, readers); });
    GST_INFO_OBJECT(self, "writing under tag %s", settings.tag.c_str());
    return TRUE;
}

gboolean close_tag(NdshSink* self) {
    if (!self->state->tag_writer.close()) {
        GST_WARNING_OBJECT(self, "stopped although a reader did not have the last frame after some seconds");
    }
    self->state->clock = {};
    set_readers(self, 0);
    return TRUE;
}

gboolean start(GstBaseSink* sink) {
    NdshSink* self = to_self(sink);
    return guarded(GST_ELEMENT(sink), current_tag(self), FALSE, [&] { return open_tag(self); });
}

gboolean stop(GstBaseSink* sink) {
    return guarded(GST_ELEMENT(sink), {}, TRUE, [&] { return close_tag(to_self(sink)); });
}

gboolean unlock(GstBaseSink* sink) {
    to_self(sink)->state->tag_writer.set_unlocked(true);
    return TRUE;
}

gboolean unlock_stop(GstBaseSink* sink) {
    to_self(sink)->state->tag_writer.set_unlocked(false);
    return TRUE;
}

/// The base class opens at NULL -> READY; what was set in READY counts as well.
bool reopen_if_changed(NdshSink* self) {
    {
        const std::lock_guard lock(self->state->mutex);
        if (!self->state->settings_changed) {
            return true;
        }
    }
    return stop(GST_BASE_SINK(self)) && start(GST_BASE_SINK(self));
}

// ------------------------------------------------------------------------------------------------ frames

/// What became of an attempt that can be interrupted.
enum class Outcome { Done, Interrupted, Failed };

/// Tries until it is done. Between two tries the base class holds us where PAUSED and flushing belong.
template <class Attempt>
GstFlowReturn until_done(NdshSink* self, Attempt&& attempt) {
    for (;;) {
        switch (attempt()) {
            case Outcome::Done:
                return GST_FLOW_OK;
            case Outcome::Failed:
                return GST_FLOW_ERROR;
            case Outcome::Interrupted:
                break;
        }
        const GstFlowReturn flow = gst_base_sink_wait_preroll(GST_BASE_SINK(self));
        if (flow != GST_FLOW_OK) {
            return flow;
        }
    }
}

gboolean configure(NdshSink* self, GstCaps* caps) {
    SinkState& state = *self->state;
    GstVideoInfo info;
    if (!gst_video_info_from_caps(&info, caps)) {
        GST_ELEMENT_ERROR(self, STREAM, FORMAT, ("These caps are not raw video."),
                          ("%" GST_PTR_FORMAT, printable(caps)));
        return FALSE;
    }
    VideoLayout layout = video_layout(info);
    Writer& writer = state.tag_writer.writer();
    writer.configure(layout.array, {{caps_attribute, to_string(caps).get()}});
    GST_INFO_OBJECT(self, "%" GST_PTR_FORMAT " as %s in %s", printable(caps),
                    layout.array.to_string().c_str(), writer.segment_name().c_str());
    state.info = info;
    state.layout = std::move(layout);
    return TRUE;
}

gboolean set_caps(GstBaseSink* sink, GstCaps* caps) {
    NdshSink* self = to_self(sink);
    return guarded(GST_ELEMENT(sink), current_tag(self), FALSE, [&] { return configure(self, caps); });
}

gboolean propose_allocation(GstBaseSink*, GstQuery* query) {
    gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
    return TRUE;
}

/// The slot that holds the buffer's pixels, or the reason why none does. Every buffer is copied here.
WritableFrame frame_for(NdshSink* self, GstBuffer* buffer) {
    SinkState& state = *self->state;
    WritableFrame frame = state.tag_writer.writer().acquire();
    if (frame.status() == WriteStatus::NoSlot) {
        GST_WARNING_OBJECT(self, "readers hold every slot: dropping %" GST_PTR_FORMAT, printable(buffer));
    }
    if (frame && !copy_to_array(buffer, state.info, state.layout, frame.data())) {
        GST_WARNING_OBJECT(self, "no frame of these caps: dropping %" GST_PTR_FORMAT, printable(buffer));
        ++state.lost;
        return WritableFrame(WriteStatus::NoSlot);
    }
    return frame;
}

FrameInfo describe(NdshSink* self, GstBuffer* buffer) {
    GstBaseSink* sink = GST_BASE_SINK(self);
    const PipelineTime time = PipelineTime::of(GST_ELEMENT(self), self->state->clock);
    const auto latency = static_cast<std::int64_t>(gst_base_sink_get_latency(sink));
    FrameInfo info = frame_info(buffer, sink->segment);
    info.pts = time.instant(info.stream_pts, latency);
    info.dts = time.instant(info.stream_dts, latency);
    return info;
}

Outcome publish(NdshSink* self, WritableFrame&& frame, const FrameInfo& info) {
    SinkState& state = *self->state;
    if (const std::uint64_t number = state.tag_writer.writer().publish(std::move(frame), info)) {
        ++state.copied;
        GST_LOG_OBJECT(self, "copied and published frame %" G_GUINT64_FORMAT, number);
        return Outcome::Done;
    }
    if (state.tag_writer.unlocked()) {
        return Outcome::Interrupted;
    }
    ++state.lost;
    GST_WARNING_OBJECT(self, "a frame could not be published");
    return Outcome::Done;
}

Outcome write(NdshSink* self, GstBuffer* buffer) {
    SinkState& state = *self->state;
    if (!state.reader_awaited) {
        GST_INFO_OBJECT(self, "waiting for a reader");
        if (state.tag_writer.writer().wait_for_reader() == WriteStatus::Cancelled) {
            return Outcome::Interrupted;
        }
        state.reader_awaited = true;
    }
    WritableFrame frame = frame_for(self, buffer);
    switch (frame.status()) {
        case WriteStatus::Ok:
            return publish(self, std::move(frame), describe(self, buffer));
        case WriteStatus::NoSlot:
        case WriteStatus::Timeout:
            return Outcome::Done;
        case WriteStatus::Cancelled:
            return Outcome::Interrupted;
        case WriteStatus::Closed:
            break;
    }
    GST_ELEMENT_ERROR(self, RESOURCE, WRITE, ("The tag cannot be written any more."), ("Writer is closed"));
    return Outcome::Failed;
}

GstFlowReturn render(GstBaseSink* sink, GstBuffer* buffer) {
    NdshSink* self = to_self(sink);
    if (GST_VIDEO_INFO_FORMAT(&self->state->info) == GST_VIDEO_FORMAT_UNKNOWN) {
        return GST_FLOW_NOT_NEGOTIATED;
    }
    return guarded(GST_ELEMENT(sink), {}, GST_FLOW_ERROR,
                   [&] { return until_done(self, [&] { return write(self, buffer); }); });
}

/// Readers learn of the end after they have taken, or could have taken, the last frame.
GstFlowReturn finish_stream(NdshSink* self) {
    Writer& writer = self->state->tag_writer.writer();
    GstFlowReturn flow = GST_FLOW_OK;
    if (writer.options().backpressure) {
        GST_DEBUG_OBJECT(self, "waiting until readers have the last frame");
        do {
            flow = until_done(self, [&] {
                return writer.drain() == WriteStatus::Cancelled ? Outcome::Interrupted : Outcome::Done;
            });
        } while (flow != GST_FLOW_OK && flow != GST_FLOW_FLUSHING);  // else a step, which EOS outlasts
    }
    if (flow == GST_FLOW_OK) {
        GST_INFO_OBJECT(self, "end of stream");
        writer.end_of_stream();
    }
    return flow;
}

// ----------------------------------------------------------------------------------------------- GObject

G_DEFINE_TYPE(NdshSink, ndsh_sink, GST_TYPE_BASE_SINK)

gboolean handle_event(GstBaseSink* sink, GstEvent* event) {
    if (GST_EVENT_TYPE(event) == GST_EVENT_EOS) {
        const GstFlowReturn flow =
            guarded(GST_ELEMENT(sink), {}, GST_FLOW_ERROR, [&] { return finish_stream(to_self(sink)); });
        if (flow != GST_FLOW_OK) {
            gst_event_unref(event);
            return FALSE;
        }
    }
    return GST_BASE_SINK_CLASS(ndsh_sink_parent_class)->event(sink, event);
}

GstStateChangeReturn change_state(GstElement* element, GstStateChange transition) {
    if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !reopen_if_changed(to_self(element))) {
        return GST_STATE_CHANGE_FAILURE;
    }
    return GST_ELEMENT_CLASS(ndsh_sink_parent_class)->change_state(element, transition);
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
    NdshSink* self = to_self(object);
    const auto property = static_cast<SinkProperty>(id);
    if (property == SinkProperty::NumReaders) {
        g_value_set_uint(value, self->state->readers);
    } else if (property == SinkProperty::Stats) {
        const SinkState& state = *self->state;
        g_value_take_boxed(value, to_structure({state.tag_writer.stats(), state.copied, 0, state.lost}));
    } else {
        const std::lock_guard lock(self->state->mutex);
        if (!get_sink_property(self->state->settings, property, value)) {
            G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
        }
    }
}

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
    SinkState& state = *to_self(object)->state;
    const std::lock_guard lock(state.mutex);
    if (!set_sink_property(state.settings, static_cast<SinkProperty>(id), value)) {
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
        return;
    }
    state.settings_changed = true;
}

void finalize(GObject* object) {
    std::destroy_at(&to_self(object)->state);
    G_OBJECT_CLASS(ndsh_sink_parent_class)->finalize(object);
}

void ndsh_sink_init(NdshSink* self) {
    std::construct_at(&self->state, std::make_unique<SinkState>());
    // Nothing is left to process once the clock says "now", so no time needs to be set aside for it.
    gst_base_sink_set_processing_deadline(GST_BASE_SINK(self), 0);
}

void describe_element(GstElementClass* klass) {
    const Owned<GstCaps> caps(video_template_caps());
    gst_element_class_add_pad_template(
        klass, gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps.get()));
    gst_element_class_set_static_metadata(
        klass, "Shared array video sink", "Sink/Video",
        "Shares raw video frames with other processes as arrays in shared memory, under a tag",
        "The ndsharray authors");
}

void ndsh_sink_class_init(NdshSinkClass* klass) {
    GST_DEBUG_CATEGORY_INIT(ndshsink_debug, "ndshsink", 0, "Shared array video sink");
    GObjectClass* object = G_OBJECT_CLASS(klass);
    object->set_property = set_property;
    object->get_property = get_property;
    object->finalize = finalize;
    install_sink_properties(object);

    describe_element(GST_ELEMENT_CLASS(klass));
    GST_ELEMENT_CLASS(klass)->change_state = GST_DEBUG_FUNCPTR(change_state);

    GstBaseSinkClass* sink = GST_BASE_SINK_CLASS(klass);
    sink->start = GST_DEBUG_FUNCPTR(start);
    sink->stop = GST_DEBUG_FUNCPTR(stop);
    sink->unlock = GST_DEBUG_FUNCPTR(unlock);
    sink->unlock_stop = GST_DEBUG_FUNCPTR(unlock_stop);
    sink->set_caps = GST_DEBUG_FUNCPTR(set_caps);
    sink->propose_allocation = GST_DEBUG_FUNCPTR(propose_allocation);
    sink->event = GST_DEBUG_FUNCPTR(handle_event);
    sink->render = GST_DEBUG_FUNCPTR(render);
}

}  // namespace

GST_ELEMENT_REGISTER_DEFINE(ndshsink, "ndshsink", GST_RANK_NONE, ndsh_sink_get_type())

}  // namespace ndsharray::gst
