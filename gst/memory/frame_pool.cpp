// SPDX-License-Identifier: BSD-3-Clause
// A pool of GstBuffers over frame memory. It keeps buffers to use them again, but no frames.
#include "memory/frame_pool.hpp"

#include <exception>
#include <utility>

#include "memory/frame_memory.hpp"
#include "memory/idle_buffers.hpp"
#include "video/video_meta.hpp"

namespace ndsharray::gst {

struct FramePool::State {
    Owned<GstAllocator> allocator = frame_allocator_new();
    Decorate decorate;
    IdleBuffers idle;
};

G_DEFINE_TYPE(FramePool, frame_pool, GST_TYPE_BUFFER_POOL)

namespace {

FramePool* to_self(gpointer instance) {
    return static_cast<FramePool*>(instance);
}

Owned<GstBuffer> new_buffer(FramePool* self) {
    Owned<GstBuffer> buffer(gst_buffer_new());
    gst_buffer_append_memory(buffer.get(), frame_memory_new(self->state->allocator.get()).release());
    if (self->state->decorate) {
        self->state->decorate(buffer.get());
    }
    keep_metas(buffer.get());
    GST_BUFFER_FLAG_UNSET(buffer.get(), GST_BUFFER_FLAG_TAG_MEMORY);
    return buffer;
}

/// Makes nothing in advance: another user would miss a frame that nobody asked for here.
gboolean start(GstBufferPool*) {
    return TRUE;
}

gboolean stop(GstBufferPool* pool) {
    to_self(pool)->state->idle.clear();
    return TRUE;
}

GstFlowReturn acquire_buffer(GstBufferPool* pool, GstBuffer** out, GstBufferPoolAcquireParams*) {
    if (GST_BUFFER_POOL_IS_FLUSHING(pool)) {
        return GST_FLOW_FLUSHING;
    }
    try {
        *out = take_idle_buffer(to_self(pool)).release();
        return GST_FLOW_OK;
    } catch (const std::exception& error) {
        GST_WARNING_OBJECT(pool, "no buffer: %s", error.what());
        return GST_FLOW_ERROR;
    }
}

void release_buffer(GstBufferPool* pool, GstBuffer* released) {
    Owned<GstBuffer> buffer(released);
    if (!is_as_made(released) || !is_frame_memory(memory_of(released))) {
        return;  // the frame is given back when the last owner of the memory lets it go
    }
    let_go(memory_of(released));
    to_self(pool)->state->idle.keep(std::move(buffer), pool);
}

void finalize(GObject* object) {
    std::destroy_at(&to_self(object)->state);
    G_OBJECT_CLASS(frame_pool_parent_class)->finalize(object);
}

}  // namespace

static void frame_pool_init(FramePool* self) {
    std::construct_at(&self->state);
}

static void frame_pool_class_init(FramePoolClass* klass) {
    G_OBJECT_CLASS(klass)->finalize = finalize;
    GstBufferPoolClass* pool = GST_BUFFER_POOL_CLASS(klass);
    pool->start = start;
    pool->stop = stop;
    pool->acquire_buffer = acquire_buffer;
    pool->release_buffer = release_buffer;
}

void set_up(FramePool* pool) {
    pool->state = std::make_unique<FramePool::State>();
}

bool is_as_made(GstBuffer* buffer) {
    return !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_TAG_MEMORY) && gst_buffer_n_memory(buffer) == 1 &&
           GST_MINI_OBJECT_REFCOUNT_VALUE(memory_of(buffer)) == 1;
}

Owned<GstBuffer> take_idle_buffer(FramePool* pool) {
    Owned<GstBuffer> buffer = pool->state->idle.take();
    return buffer ? std::move(buffer) : new_buffer(pool);
}

void set_decoration(FramePool* pool, Decorate decorate) {
    pool->state->decorate = std::move(decorate);
}

Owned<GstBufferPool> frame_pool_new(Decorate decorate) {
    Owned<GstBufferPool> pool(
        GST_BUFFER_POOL(gst_object_ref_sink(g_object_new(frame_pool_get_type(), nullptr))));
    set_up(to_self(pool.get()));
    set_decoration(to_self(pool.get()), std::move(decorate));
    GstStructure* config = gst_buffer_pool_get_config(pool.get());
    gst_buffer_pool_config_set_params(config, nullptr, 0, 0, 0);
    gst_buffer_pool_set_config(pool.get(), config);
    gst_buffer_pool_set_active(pool.get(), TRUE);
    return pool;
}

}  // namespace ndsharray::gst
