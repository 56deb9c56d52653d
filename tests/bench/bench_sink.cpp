// SPDX-License-Identifier: BSD-3-Clause
// benchsink: takes stamped frames, says how long they were under way, and looks at them.
#include "bench_sink.hpp"

#include <gst/video/video.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <thread>
#include <utility>

#include "frame_log.hpp"
#include "stamp.hpp"

namespace ndsharray::bench {
namespace {

struct State {
    State(const SinkPlan& its_plan, Notify its_notify) : plan(its_plan), log(std::move(its_notify)) {}

    SinkPlan plan;
    FrameLog log;
};

struct BenchSink {
    GstElement parent;
    std::unique_ptr<State> state;
};

struct BenchSinkClass {
    GstElementClass parent;
};

G_DEFINE_TYPE(BenchSink, bench_sink, GST_TYPE_ELEMENT)

BenchSink* to_self(gpointer instance) {
    return static_cast<BenchSink*>(instance);
}

GstFlowReturn chain(GstPad*, GstObject* parent, GstBuffer* buffer) {
    const std::int64_t arrival = now();
    State& state = *to_self(parent)->state;
    GstMapInfo map;
    const bool is_mapped = gst_buffer_map(buffer, &map, GST_MAP_READ);
    const bool fits = is_mapped && map.size >= state.plan.bytes;
    if (fits)
        state.log.look_at({reinterpret_cast<const std::byte*>(map.data), state.plan.bytes}, arrival,
                          state.plan);
    if (is_mapped)
        gst_buffer_unmap(buffer, &map);
    if (state.plan.delay > 0)
        std::this_thread::sleep_for(std::chrono::duration<double>(state.plan.delay));
    gst_buffer_unref(buffer);
    return fits ? GST_FLOW_OK : GST_FLOW_ERROR;
}

gboolean query(GstPad* pad, GstObject* parent, GstQuery* query) {
    if (GST_QUERY_TYPE(query) == GST_QUERY_ALLOCATION) {
        gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
        return TRUE;
    }
    return gst_pad_query_default(pad, parent, query);
}

void finalize(GObject* object) {
    std::destroy_at(&to_self(object)->state);
    G_OBJECT_CLASS(bench_sink_parent_class)->finalize(object);
}

void bench_sink_init(BenchSink* self) {
    std::construct_at(&self->state);
    GstElement* element = GST_ELEMENT(self);
    GstPad* pad = gst_pad_new_from_template(
        gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(self), "sink"), "sink");
    gst_pad_set_chain_function(pad, chain);
    gst_pad_set_query_function(pad, query);
    gst_element_add_pad(element, pad);
    GST_OBJECT_FLAG_SET(element, GST_ELEMENT_FLAG_SINK);
}

void bench_sink_class_init(BenchSinkClass* klass) {
    G_OBJECT_CLASS(klass)->finalize = finalize;
    g_autoptr(GstCaps) caps = gst_caps_new_any();
    gst_element_class_add_pad_template(GST_ELEMENT_CLASS(klass),
                                       gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps));
    gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Benchmark sink", "Sink/Video",
                                          "Takes stamped frames", "The ndsharray authors");
}

}  // namespace

bool register_sink() {
    return gst_element_register(nullptr, "benchsink", GST_RANK_NONE, bench_sink_get_type());
}

void configure_sink(GstElement* sink, const SinkPlan& plan, Notify notify) {
    to_self(sink)->state = std::make_unique<State>(plan, std::move(notify));
}

}  // namespace ndsharray::bench
