// SPDX-License-Identifier: BSD-3-Clause
// GstMemory whose bytes are a frame in shared memory: a frame that was read, or a slot that will be filled
// and published.
#pragma once

#include <gst/gst.h>

#include <ndsharray/frame.hpp>
#include <ndsharray/writer.hpp>

#include "owned.hpp"

namespace ndsharray::gst {

/// An allocator for frame_memory_new(). It cannot allocate by itself.
Owned<GstAllocator> frame_allocator_new();

/// Memory that holds nothing yet. Mapping it gives the frame that it holds at that moment. A copy of it is
/// ordinary memory, and so is a part of it that is written to.
Owned<GstMemory> frame_memory_new(GstAllocator* allocator);

/// Whether frame_memory_new() made this memory. False also for a part of such memory.
bool is_frame_memory(GstMemory* memory);

/// Lets the memory hold the first `size` bytes of a frame that was read. It is read-only.
void hold(GstMemory* memory, Frame&& frame, gsize size);

/// Lets the memory hold the first `size` bytes of a slot. It is writable until seal().
void hold(GstMemory* memory, WritableFrame&& frame, gsize size);

/// The slot that the memory holds, or nullptr.
WritableFrame* held_slot(GstMemory* memory);

/// Makes the memory read-only for everyone.
void seal(GstMemory* memory);

/// Gives the frame or slot back. Only the caller may hold the memory.
void let_go(GstMemory* memory);

}  // namespace ndsharray::gst
