// SPDX-License-Identifier: BSD-3-Clause
// GstMemory whose bytes are a frame in shared memory.
#pragma once

#include <gst/gst.h>

#include <ndsharray/frame.hpp>

#include "owned.hpp"

namespace ndsharray::gst {

/// An allocator that only wraps frames; allocating from it fails.
Owned<GstAllocator> lease_allocator_new();

/// The first `size` bytes of a frame, without a copy. The memory keeps the frame, and with it its lease,
/// until the last reference goes, whatever becomes of the Reader and the element. It cannot be mapped for
/// writing: a buffer made writable gets a copy in ordinary memory.
/// \param allocator from lease_allocator_new()
/// \param size at most frame.spec().bytes
Owned<GstMemory> lease_memory_new(GstAllocator* allocator, Frame&& frame, gsize size);

}  // namespace ndsharray::gst
