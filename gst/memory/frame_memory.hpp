// SPDX-License-Identifier: BSD-3-Clause
// GstMemory whose bytes are a frame in shared memory: one that was read, or a slot to be filled and
// published.
#pragma once

#include <gst/gst.h>

#include <ndsharray/frame.hpp>
#include <ndsharray/writer.hpp>

#include "owned.hpp"

namespace ndsharray::gst {

/// An allocator for frame_memory_new(); it cannot allocate by itself.
Owned<GstAllocator> frame_allocator_new();

/// Memory that holds nothing yet. Whoever maps it gets the frame it holds then; a copy of it, or a part
/// written to, is ordinary memory.
Owned<GstMemory> frame_memory_new(GstAllocator* allocator);

/// Whether this was made by frame_memory_new(): neither other memory nor a part of such.
bool is_frame_memory(GstMemory* memory);

/// Makes the memory that of a frame that was read, with its first `size` bytes. Read-only.
void hold(GstMemory* memory, Frame&& frame, gsize size);

/// Makes the memory that of a slot, with its first `size` bytes. Writable until seal().
void hold(GstMemory* memory, WritableFrame&& frame, gsize size);

/// The slot the memory holds; nullptr if it holds none.
WritableFrame* held_slot(GstMemory* memory);

/// From now on the memory can only be read, by whoever has it.
void seal(GstMemory* memory);

/// Gives the frame or slot back. Nobody but the caller may have the memory.
void let_go(GstMemory* memory);

}  // namespace ndsharray::gst
