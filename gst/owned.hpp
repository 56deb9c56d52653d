// SPDX-License-Identifier: BSD-3-Clause
// Owning pointers to reference-counted objects of GStreamer.
#pragma once

#include <gst/gst.h>

#include <memory>

namespace ndsharray::gst {

struct Unref {
    void operator()(GstBuffer* buffer) const noexcept { gst_buffer_unref(buffer); }
    void operator()(GstCaps* caps) const noexcept { gst_caps_unref(caps); }
    void operator()(GstSample* sample) const noexcept { gst_sample_unref(sample); }
    void operator()(GstMessage* message) const noexcept { gst_message_unref(message); }
    void operator()(GstMemory* memory) const noexcept { gst_memory_unref(memory); }
    void operator()(GstStructure* structure) const noexcept { gst_structure_free(structure); }
    void operator()(char* text) const noexcept { g_free(text); }
    void operator()(GstPad* pad) const noexcept { gst_object_unref(pad); }
    void operator()(GObject* object) const noexcept { g_object_unref(object); }
    void operator()(GstElement* element) const noexcept { gst_object_unref(element); }
    void operator()(GstObject* object) const noexcept { gst_object_unref(object); }
    void operator()(GstDevice* device) const noexcept { gst_object_unref(device); }
    void operator()(GstDeviceProvider* provider) const noexcept { gst_object_unref(provider); }
    void operator()(GstAllocator* allocator) const noexcept { gst_object_unref(allocator); }
    void operator()(GstClock* clock) const noexcept { gst_object_unref(clock); }
    void operator()(GstBufferPool* pool) const noexcept { gst_object_unref(pool); }
};

/// Owns one reference and drops it when destroyed. `release()` passes it to a (transfer full) parameter.
template <class T>
using Owned = std::unique_ptr<T, Unref>;

/// A new reference to caps of another owner. Empty for nullptr.
inline Owned<GstCaps> share(GstCaps* caps) {
    return Owned<GstCaps>(caps ? gst_caps_ref(caps) : nullptr);
}

/// Caps as text, for display and for attributes.
inline Owned<char> to_string(const GstCaps* caps) {
    return Owned<char>(gst_caps_to_string(caps));
}

/// The argument for GST_PTR_FORMAT, in the type that "%p" expects.
template <class T>
void* printable(T* object) {
    return object;
}

}  // namespace ndsharray::gst
