// SPDX-License-Identifier: BSD-3-Clause
// A pool of GstBuffers over frame memory. It keeps buffers to use them again, but no frames.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <memory>

#include "owned.hpp"

namespace ndsharray::gst {

/// A GstBufferPool. Each buffer has one memory of frame_memory.hpp. It is empty when acquired, and the caller
/// lets it hold a frame. When a buffer comes back, its frame is given back at once. Buffers are made when
/// they are needed, and nothing is allocated while an idle one is left. There is no limit to their number.
struct FramePool {
    GstBufferPool parent;
    struct State;
    std::unique_ptr<State> state;
};

struct FramePoolClass {
    GstBufferPoolClass parent;
};

GType frame_pool_get_type();

/// Makes the state of a pool. The code that makes a pool calls it: in the type's own functions an exception
/// would pass through C code. \throws std::bad_alloc
void set_up(FramePool* pool);

/// Called for each buffer when it is made. Metas that it adds stay.
using Decorate = std::function<void(GstBuffer*)>;

/// An active pool.
Owned<GstBufferPool> frame_pool_new(Decorate decorate);

void set_decoration(FramePool* pool, Decorate decorate);

/// A buffer with empty frame memory. For subclasses, within acquire_buffer.
Owned<GstBuffer> take_idle_buffer(FramePool* pool);

/// Whether a buffer that comes back to its pool still has its one memory, and is the only owner of it.
bool is_as_made(GstBuffer* buffer);

/// The buffer's only memory.
inline GstMemory* memory_of(GstBuffer* buffer) {
    return gst_buffer_peek_memory(buffer, 0);
}

}  // namespace ndsharray::gst
