// SPDX-License-Identifier: BSD-3-Clause
// benchsrc: makes stamped frames in the memory that downstream offers.
#include "bench_src.hpp"

#include <gst/base/gstpushsrc.h>
#include <gst/video/video.h>

#include <memory>
#include <utility>

#include "schedule.hpp"
#include "stamp.hpp"
#include "window.hpp"

namespace ndsharray::bench {
namespace {

struct State {
    State(SourcePlan its_plan, Notify its_notify)
        : plan(std::move(its_plan)),
          notify(std::move(its_notify)),
          schedule(plan.rate, plan.settling, plan.seconds) {}

    SourcePlan plan;
    Notify notify;
    Schedule schedule;
    Window window;
    Stamp stamp;  // of the newest frame
    std::int64_t started = now();
};

struct BenchSrc {
    GstPushSrc parent;
    std::unique_ptr<State> state;
};

struct BenchSrcClass {
    GstPushSrcClass parent;
};

G_DEFINE_TYPE(BenchSrc, bench_src, GST_TYPE_PUSH_SRC)

State& state_of(gpointer instance) {
    return *static_cast<BenchSrc*>(instance)->state;
}

// ------------------------------------------------------------------------------------------- negotiation

gboolean negotiate(GstBaseSrc* src) {
    const State& state = state_of(src);
    const bool is_other = state.stamp.caps_number % 2 == 1;
    g_autoptr(GstCaps) caps =
        gst_caps_from_string(is_other ? state.plan.other_caps.c_str() : state.plan.caps.c_str());
    return gst_base_src_set_caps(src, caps);
}

/// A pool such as videotestsrc makes, but with a bound, so that all contenders have as much in flight.
GstBufferPool* own_pool(const State& state, GstQuery* query) {
    GstBufferPool* pool = gst_video_buffer_pool_new();
    gst_query_add_allocation_pool(query, pool, static_cast<guint>(state.plan.bytes), 0,
                                  state.plan.frames_in_flight);
    return pool;
}

GstBufferPool* offered_pool(GstQuery* query) {
    GstBufferPool* pool = nullptr;
    gst_query_parse_nth_allocation_pool(query, 0, &pool, nullptr, nullptr, nullptr);
    return pool;
}

gboolean decide_allocation(GstBaseSrc* src, GstQuery* query) {
    const bool is_offered = gst_query_get_n_allocation_pools(query) > 0;
    g_autoptr(GstBufferPool) pool = is_offered ? offered_pool(query) : own_pool(state_of(src), query);
    if (pool && gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr)) {
        GstStructure* config = gst_buffer_pool_get_config(pool);
        gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
        gst_buffer_pool_set_config(pool, config);
    }
    return GST_BASE_SRC_CLASS(bench_src_parent_class)->decide_allocation(src, query);
}

bool caps_change_is_due(const State& state, Phase phase) {
    const auto step = state.plan.frames_per_caps;
    return step > 0 && phase == Phase::Measured && state.window.frames() % step == 0;
}

/// \returns false if downstream does not take the new caps.
bool change_caps(GstBaseSrc* src) {
    State& state = state_of(src);
    ++state.stamp.caps_number;
    state.stamp.caps_changed = now();
    return gst_base_src_negotiate(src);
}

// ------------------------------------------------------------------------------------------------ frames

/// Says how far it has come, if that is news.
void report(State& state, Phase phase) {
    if (state.stamp.index == 1)
        state.notify({event::pushing, {}, {}});
    if (state.window.enter(phase))
        state.notify({event::pushed, {}, state.window.result()});
}

/// Nothing happens between the stamp and the push but what the base class does for each buffer.
bool write_frame(State& state, GstBuffer* buffer) {
    GstMapInfo map;
    if (!gst_buffer_map(buffer, &map, GST_MAP_WRITE))
        return false;
    const std::span<std::byte> frame(reinterpret_cast<std::byte*>(map.data), state.plan.bytes);
    const bool fits = map.size >= frame.size();
    if (fits) {
        if (state.plan.every_byte)
            fill(frame, state.stamp.index);
        state.stamp.pushed = now();
        write_stamp(frame, state.stamp);
    }
    gst_buffer_unmap(buffer, &map);
    return fits;
}

GstFlowReturn create(GstPushSrc* push_src, GstBuffer** out) {
    GstBaseSrc* src = GST_BASE_SRC(push_src);
    State& state = state_of(src);
    const Phase phase = state.schedule.next();
    report(state, phase);
    if (caps_change_is_due(state, phase) && !change_caps(src))
        return GST_FLOW_NOT_NEGOTIATED;
    const GstFlowReturn flow =
        GST_BASE_SRC_CLASS(bench_src_parent_class)
            ->alloc(src, GST_BUFFER_OFFSET_NONE, static_cast<guint>(state.plan.bytes), out);
    if (flow != GST_FLOW_OK)
        return flow;
    GST_BUFFER_PTS(*out) = static_cast<GstClockTime>(now() - state.started);
    GST_BUFFER_DURATION(*out) = GST_SECOND / 60;
    ++state.stamp.index;
    state.stamp.phase = phase;
    state.window.count();
    return write_frame(state, *out) ? GST_FLOW_OK : GST_FLOW_ERROR;
}

// ----------------------------------------------------------------------------------------------- GObject

void finalize(GObject* object) {
    std::destroy_at(&static_cast<BenchSrc*>(static_cast<gpointer>(object))->state);
    G_OBJECT_CLASS(bench_src_parent_class)->finalize(object);
}

void bench_src_init(BenchSrc* self) {
    std::construct_at(&self->state);
    gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
}

void bench_src_class_init(BenchSrcClass* klass) {
    G_OBJECT_CLASS(klass)->finalize = finalize;
    g_autoptr(GstCaps) caps = gst_caps_new_any();
    gst_element_class_add_pad_template(GST_ELEMENT_CLASS(klass),
                                       gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps));
    gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Benchmark source", "Source/Video",
                                          "Makes stamped frames", "The ndsharray authors");
    GstBaseSrcClass* src = GST_BASE_SRC_CLASS(klass);
    src->negotiate = negotiate;
    src->decide_allocation = decide_allocation;
    src->is_seekable = [](GstBaseSrc*) -> gboolean { return FALSE; };
    GST_PUSH_SRC_CLASS(klass)->create = create;
}

}  // namespace

bool register_source() {
    return gst_element_register(nullptr, "benchsrc", GST_RANK_NONE, bench_src_get_type());
}

void configure_source(GstElement* source, const SourcePlan& plan, Notify notify) {
    static_cast<BenchSrc*>(static_cast<gpointer>(source))->state =
        std::make_unique<State>(plan, std::move(notify));
}

void end_warm_up(GstElement* source) {
    state_of(source).schedule.go();
}

std::uint64_t frames_pushed(GstElement* source) {
    return state_of(source).window.frames();
}

}  // namespace ndsharray::bench
