// SPDX-License-Identifier: BSD-3-Clause
// The buffers of a pool that nobody uses now.
#pragma once

#include <gst/gst.h>

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include "owned.hpp"

namespace ndsharray::gst {

/// For any thread. Nothing is allocated after it is made.
class IdleBuffers {
  public:
    /// \throws std::bad_alloc
    IdleBuffers() { buffers_.reserve(most); }

    /// The buffer that was used last, or nothing.
    Owned<GstBuffer> take() noexcept {
        const std::lock_guard lock(mutex_);
        if (buffers_.empty()) {
            return nullptr;
        }
        Owned<GstBuffer> buffer = std::move(buffers_.back());
        buffers_.pop_back();
        return buffer;
    }

    /// Keeps a buffer that comes back to its pool, for the next take(). Frees it if the pool stops, or if
    /// there are enough.
    void keep(Owned<GstBuffer> buffer, GstBufferPool* pool) noexcept {
        const std::lock_guard lock(mutex_);
        // A pool that stops becomes flushing before it calls clear().
        if (!GST_BUFFER_POOL_IS_FLUSHING(pool) && buffers_.size() < most) {
            buffers_.push_back(std::move(buffer));
        }
    }

    /// Frees all of them, without the mutex.
    void clear() noexcept {
        while (take()) {
        }
    }

  private:
    /// A reader or an upstream element can hold as many frames of one segment.
    static constexpr std::size_t most = 32;

    std::mutex mutex_;  // held only for a push or pop
    std::vector<Owned<GstBuffer>> buffers_;
};

}  // namespace ndsharray::gst
