// SPDX-License-Identifier: BSD-3-Clause
// A pool of GstBuffers over frame memory: buffers are kept and used again, frames are not.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <memory>

#include "owned.hpp"

namespace ndsharray::gst {

/// A GstBufferPool whose buffers have one memory of frame_memory.hpp, empty when acquired: the caller lets it
/// hold a frame. When a buffer comes back its frame is given back at once. Nothing is allocated ahead, and
/// nothing at all once as many buffers exist as are out at a time; there is no limit to them.
struct FramePool {
    GstBufferPool parent;
    struct State;
    std::unique_ptr<State> state;
};

struct FramePoolClass {
    GstBufferPoolClass parent;
};

GType frame_pool_get_type();

/// Gives a pool what it works with. For who makes one: in the type's own functions an exception would pass C
/// code. \throws std::bad_alloc
void set_up(FramePool* pool);

/// What is done to each buffer when it is made; metas it adds stay.
using Decorate = std::function<void(GstBuffer*)>;

/// An active pool.
Owned<GstBufferPool> frame_pool_new(Decorate decorate);

void set_decoration(FramePool* pool, Decorate decorate);

/// A buffer with empty frame memory; for subclasses, inside of acquire_buffer.
Owned<GstBuffer> take_idle_buffer(FramePool* pool);

/// Whether a buffer that comes back to its pool still has its one memory, and nobody else has it.
bool is_as_made(GstBuffer* buffer);

/// The buffer's only memory.
inline GstMemory* memory_of(GstBuffer* buffer) {
    return gst_buffer_peek_memory(buffer, 0);
}

}  // namespace ndsharray::gst
