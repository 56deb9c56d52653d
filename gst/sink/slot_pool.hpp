// SPDX-License-Identifier: BSD-3-Clause
// The pool that ndshsink offers upstream: its buffers are slots of shared memory.
#pragma once

#include <gst/gst.h>

#include <memory>

#include "owned.hpp"
#include "sink/tag_writer.hpp"

namespace ndsharray::gst {

/// A buffer from this pool that reaches the sink is published where it is. A slot is handed out only where
/// that leaves the sink and the readers enough of them, and only as long as this format is the tag's current
/// one; else the buffer is ordinary memory, which the sink copies. Acquiring never waits, so an upstream that
/// wants more buffers than there are slots gets them.
Owned<GstBufferPool> slot_pool_new(std::shared_ptr<TagWriter> writer,
                                   std::shared_ptr<const SlotFormat> format);

}  // namespace ndsharray::gst
