// SPDX-License-Identifier: BSD-3-Clause
// Owning pointers to what GStreamer counts references of.
#pragma once

#include <gst/gst.h>

#include <memory>

namespace ndsharray::gst {

struct Unref {
    void operator()(GstBuffer* buffer) const noexcept { gst_buffer_unref(buffer); }
    void operator()(GstCaps* caps) const noexcept { gst_caps_unref(caps); }
    void operator()(GstMessage* message) const noexcept { gst_message_unref(message); }
    void operator()(GstMemory* memory) const noexcept { gst_memory_unref(memory); }
    void operator()(GstStructure* structure) const noexcept { gst_structure_free(structure); }
    void operator()(char* text) const noexcept { g_free(text); }
    void operator()(GstObject* object) const noexcept { gst_object_unref(object); }
    void operator()(GstDevice* device) const noexcept { gst_object_unref(device); }
    void operator()(GstDeviceProvider* provider) const noexcept { gst_object_unref(provider); }
    void operator()(GstAllocator* allocator) const noexcept { gst_object_unref(allocator); }
    void operator()(GstClock* clock) const noexcept { gst_object_unref(clock); }
    void operator()(GstBufferPool* pool) const noexcept { gst_object_unref(pool); }
};

/// Holds one reference and gives it back; `release()` hands it to a (transfer full) parameter.
template <class T>
using Owned = std::unique_ptr<T, Unref>;

/// A new reference to caps that somebody else owns; empty for nullptr.
inline Owned<GstCaps> share(GstCaps* caps) {
    return Owned<GstCaps>(caps ? gst_caps_ref(caps) : nullptr);
}

/// Caps for people and attributes.
inline Owned<char> to_string(const GstCaps* caps) {
    return Owned<char>(gst_caps_to_string(caps));
}

/// What GST_PTR_FORMAT prints, in the type that "%p" is for.
template <class T>
void* printable(T* object) {
    return object;
}

}  // namespace ndsharray::gst
