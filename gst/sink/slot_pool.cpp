// SPDX-License-Identifier: BSD-3-Clause
// The buffer pool that ndshsink offers upstream. Its buffers are slots of shared memory.
#include "sink/slot_pool.hpp"

#include <gst/video/video.h>

#include <ndsharray/error.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "memory/frame_memory.hpp"
#include "memory/frame_pool.hpp"
#include "memory/idle_buffers.hpp"
#include "video/caps.hpp"
#include "video/video_meta.hpp"

GST_DEBUG_CATEGORY_EXTERN(ndshsink_debug);
#define GST_CAT_DEFAULT ndshsink_debug

namespace ndsharray::gst {
namespace {

/// Slots beside those that upstream keeps: the newest frame, one to copy into, two for a reader, one on its
/// way.
constexpr unsigned slots_besides_upstream = 5;

struct SlotPoolState {
    std::shared_ptr<TagWriter> writer;
    std::shared_ptr<const SlotFormat> format;

    // set_config() sets these before the pool is active.
    bool uses_slots = false;
    bool adds_video_meta = false;
    unsigned slots = 0;
    GstVideoInfo info{};  // of ordinary buffers

    IdleBuffers ordinary;  // for the next time without a slot
};

struct SlotPool {
    FramePool parent;
    std::unique_ptr<SlotPoolState> state;
};

struct SlotPoolClass {
    FramePoolClass parent;
};

G_DEFINE_TYPE(SlotPool, slot_pool, frame_pool_get_type())

SlotPool* to_self(gpointer instance) {
    return static_cast<SlotPool*>(instance);
}

GstBufferPoolClass* parent_class() {
    return GST_BUFFER_POOL_CLASS(slot_pool_parent_class);
}

const gchar** get_options(GstBufferPool*) {
    static const gchar* options[] = {GST_BUFFER_POOL_OPTION_VIDEO_META, nullptr};
    return options;
}

struct Request {
    GstCaps* caps = nullptr;
    guint size = 0, fewest = 0, most = 0;
    GstVideoInfo info{};
};

/// The reason why a config cannot be accepted; nullptr if it can.
const char* problem_of(GstStructure* config, Request& request) {
    if (!gst_buffer_pool_config_get_params(config, &request.caps, &request.size, &request.fewest,
                                           &request.most)) {
        return "not the config of a pool";
    }
    if (!request.caps) {
        return "no caps";
    }
    const auto info = gst_caps_is_fixed(request.caps) ? video_info(request.caps) : std::nullopt;
    if (!info || GST_VIDEO_INFO_SIZE(&*info) == 0) {
        return "not the caps of raw video";
    }
    request.info = *info;
    if (request.most != 0 && request.most < request.fewest) {
        return "at most fewer buffers than at least";
    }
    return nullptr;
}

/// If a config is refused, the last one stays in force.
gboolean set_config(GstBufferPool* pool, GstStructure* config) {
    Request request;
    if (const char* problem = problem_of(config, request)) {
        GST_WARNING_OBJECT(pool, "%s in %" GST_PTR_FORMAT, problem, printable(config));
        return FALSE;
    }
    const auto size = std::max(request.size, static_cast<guint>(GST_VIDEO_INFO_SIZE(&request.info)));
    gst_buffer_pool_config_set_params(config, request.caps, size, request.fewest, request.most);
    if (!parent_class()->set_config(pool, config)) {
        return FALSE;
    }
    SlotPoolState& state = *to_self(pool)->state;
    state.info = request.info;
    state.adds_video_meta = gst_buffer_pool_config_has_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
    state.uses_slots = gst_video_info_is_equal(&state.info, &state.format->info) &&
                       (state.format->layout.is_default || state.adds_video_meta);
    state.slots =
        std::clamp(std::min(request.fewest, max_slots) + slots_besides_upstream, default_slots, max_slots);
    try {
        Decorate decorate;
        if (state.adds_video_meta) {
            decorate = [format = state.format](GstBuffer* buffer) {
                add_video_meta(buffer, format->info, format->layout);
            };
        }
        set_decoration(&to_self(pool)->parent, std::move(decorate));
        return TRUE;
    } catch (const std::exception& error) {
        GST_WARNING_OBJECT(pool, "%s", error.what());
        return FALSE;
    }
}

/// Time to wait until readers have read a slot, or have made room for the first one. After it, buffers are
/// ordinary memory, and the sink waits instead. It is long enough for readers that keep up, and short enough
/// for a caller that stops the pool.
constexpr std::chrono::milliseconds patience{20};

gboolean start(GstBufferPool* pool) {
    SlotPoolState& state = *to_self(pool)->state;
    try {
        if (state.uses_slots &&
            state.writer->configure(state.format, state.slots, patience) != WriteStatus::Ok) {
            GST_INFO_OBJECT(pool, "using ordinary memory: readers still need the slots of the old caps");
            state.uses_slots = false;
        }
    } catch (const std::exception& error) {
        // The sink will have the same problem and will post it on the bus.
        GST_WARNING_OBJECT(pool, "using ordinary memory: %s", error.what());
        state.uses_slots = false;
    }
    return parent_class()->start(pool);
}

gboolean stop(GstBufferPool* pool) {
    to_self(pool)->state->ordinary.clear();
    return parent_class()->stop(pool);
}

// ---------------------------------------------------------------------------------------------- buffers

Owned<GstBuffer> slot_buffer(SlotPool* self) {
    const SlotPoolState& state = *self->state;
    WritableFrame frame = state.writer->acquire_pinned(state.format, patience);
    if (!frame) {
        return nullptr;
    }
    Owned<GstBuffer> buffer = take_idle_buffer(&self->parent);
    hold(memory_of(buffer.get()), std::move(frame), state.format->layout.size());
    return buffer;
}

Owned<GstBuffer> new_ordinary_buffer(const SlotPoolState& state) {
    Owned<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&state.info), nullptr));
    if (buffer && state.adds_video_meta) {
        add_video_meta(buffer.get(), state.info);
        keep_metas(buffer.get());
    }
    if (buffer) {
        GST_BUFFER_FLAG_UNSET(buffer.get(), GST_BUFFER_FLAG_TAG_MEMORY);
    }
    return buffer;
}

Owned<GstBuffer> ordinary_buffer(SlotPoolState& state) {
    Owned<GstBuffer> buffer = state.ordinary.take();
    return buffer ? std::move(buffer) : new_ordinary_buffer(state);
}

GstFlowReturn acquire_buffer(GstBufferPool* pool, GstBuffer** out, GstBufferPoolAcquireParams*) {
    SlotPoolState& state = *to_self(pool)->state;
    if (GST_BUFFER_POOL_IS_FLUSHING(pool)) {
        return GST_FLOW_FLUSHING;
    }
    Owned<GstBuffer> buffer;
    try {
        buffer = state.uses_slots ? slot_buffer(to_self(pool)) : nullptr;
    } catch (const std::exception& error) {
        GST_WARNING_OBJECT(pool, "no buffer for a slot: %s", error.what());
    }
    if (!buffer) {
        GST_LOG_OBJECT(pool, "using ordinary memory: no slot can be spared");
        buffer = ordinary_buffer(state);
    }
    *out = buffer.release();
    return *out ? GST_FLOW_OK : GST_FLOW_ERROR;
}

void release_buffer(GstBufferPool* pool, GstBuffer* released) {
    if (gst_buffer_n_memory(released) != 1 || is_frame_memory(memory_of(released))) {
        parent_class()->release_buffer(pool, released);
        return;
    }
    Owned<GstBuffer> buffer(released);
    if (is_as_made(released)) {
        to_self(pool)->state->ordinary.keep(std::move(buffer), pool);
    }
}

void finalize(GObject* object) {
    std::destroy_at(&to_self(object)->state);
    G_OBJECT_CLASS(slot_pool_parent_class)->finalize(object);
}

void slot_pool_init(SlotPool* self) {
    std::construct_at(&self->state);
}

void slot_pool_class_init(SlotPoolClass* klass) {
    G_OBJECT_CLASS(klass)->finalize = finalize;
    GstBufferPoolClass* pool = GST_BUFFER_POOL_CLASS(klass);
    pool->get_options = get_options;
    pool->set_config = set_config;
    pool->start = start;
    pool->stop = stop;
    pool->acquire_buffer = acquire_buffer;
    pool->release_buffer = release_buffer;
}

}  // namespace

Owned<GstBufferPool> slot_pool_new(std::shared_ptr<TagWriter> writer,
                                   std::shared_ptr<const SlotFormat> format) {
    Owned<GstBufferPool> pool(
        GST_BUFFER_POOL(gst_object_ref_sink(g_object_new(slot_pool_get_type(), nullptr))));
    SlotPool* self = to_self(pool.get());
    set_up(&self->parent);
    self->state = std::make_unique<SlotPoolState>();
    self->state->writer = std::move(writer);
    self->state->format = std::move(format);
    return pool;
}

}  // namespace ndsharray::gst
