// SPDX-License-Identifier: BSD-3-Clause
// The buffer pool that ndshsink offers upstream. Its buffers are slots of shared memory.
#pragma once

#include <gst/gst.h>

#include <memory>

#include "owned.hpp"
#include "sink/tag_writer.hpp"

namespace ndsharray::gst {

/// The sink publishes a buffer of this pool in place. The pool gives a slot only if enough slots are left for
/// the sink and the readers, and if this format is the present one of the tag. Otherwise the buffer is
/// ordinary memory, which the sink copies. So upstream gets as many buffers as it wants, even if there are
/// fewer slots.
Owned<GstBufferPool> slot_pool_new(std::shared_ptr<TagWriter> writer,
                                   std::shared_ptr<const SlotFormat> format);

}  // namespace ndsharray::gst
