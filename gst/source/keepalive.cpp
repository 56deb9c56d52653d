// SPDX-License-Identifier: BSD-3-Clause
// The last frame that ndshsrc pushed. It is kept, and is pushed again while no other frame comes.
#include "source/keepalive.hpp"

#include <algorithm>

#include "memory/frame_memory.hpp"
#include "memory/frame_pool.hpp"
#include "time/pipeline_clock.hpp"

namespace ndsharray::gst {

void KeptFrame::keep(GstBuffer* buffer) {
    buffer_.reset(gst_buffer_ref(buffer));
    pushed_ = monotonic_now();
}

void KeptFrame::leave_shared_memory() {
    if (!buffer_ || !is_frame_memory(memory_of(buffer_.get()))) {
        return;
    }
    if (Owned<GstBuffer> copy{gst_buffer_copy_deep(buffer_.get())}) {
        buffer_ = std::move(copy);
    }
}

std::optional<std::int64_t> KeptFrame::due(std::optional<std::chrono::nanoseconds> keepalive) const {
    if (!buffer_ || !keepalive) {
        return std::nullopt;
    }
    std::int64_t due = 0;
    if (__builtin_add_overflow(pushed_, std::max(*keepalive, shortest).count(), &due)) {
        return std::nullopt;
    }
    return due;
}

Owned<GstBuffer> KeptFrame::repeat() {
    leave_shared_memory();
    Owned<GstBuffer> buffer(gst_buffer_copy(buffer_.get()));
    constexpr guint once = GST_BUFFER_FLAG_DISCONT | GST_BUFFER_FLAG_RESYNC | GST_BUFFER_FLAG_GAP;
    gst_buffer_unset_flags(buffer.get(), static_cast<GstBufferFlags>(once));
    pushed_ = monotonic_now();
    ++repeated_;
    return buffer;
}

void KeptFrame::restart() {
    forget();
    repeated_ = 0;
}

}  // namespace ndsharray::gst
