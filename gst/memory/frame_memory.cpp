// SPDX-License-Identifier: BSD-3-Clause
// GstMemory whose bytes are a frame in shared memory: a frame that was read, or a slot that will be filled
// and published.
#include "memory/frame_memory.hpp"

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <variant>

namespace ndsharray::gst {
namespace {

constexpr char memory_type[] = "NdshFrame";

/// C code sees only its first member. Only this file makes and destroys it.
struct FrameMemory {
    GstMemory memory{};
    std::byte* data = nullptr;  // written to only if the memory is not read-only
    std::variant<std::monostate, Frame, WritableFrame> held;  // empty in a part of another memory
};

struct FrameAllocator {
    GstAllocator parent;
};

struct FrameAllocatorClass {
    GstAllocatorClass parent;
};

G_DEFINE_TYPE(FrameAllocator, frame_allocator, GST_TYPE_ALLOCATOR)

FrameMemory* from_c(GstMemory* memory) {
    return reinterpret_cast<FrameMemory*>(memory);
}

GstMemory* refuse_to_alloc(GstAllocator*, gsize, GstAllocationParams*) {
    return nullptr;
}

void free_memory(GstAllocator*, GstMemory* memory) {
    std::unique_ptr<FrameMemory>(from_c(memory)).reset();
}

/// GStreamer itself refuses to map read-only memory for writing.
gpointer map(GstMemory* memory, gsize, GstMapFlags) {
    return from_c(memory)->data;
}

void unmap(GstMemory*) {}

GstMemory* share_part(GstMemory* memory, gssize offset, gssize size) {
    GstMemory* parent = memory->parent ? memory->parent : memory;
    const gsize begin = memory->offset + static_cast<gsize>(offset);
    const gsize length = size == -1 ? memory->size - static_cast<gsize>(offset) : static_cast<gsize>(size);
    std::unique_ptr<FrameMemory> part(new (std::nothrow) FrameMemory);
    if (!part) {
        return nullptr;
    }
    part->data = from_c(parent)->data;
    // A part is not told when the whole is sealed. So it is read-only from the start.
    gst_memory_init(&part->memory, GST_MEMORY_FLAG_READONLY, parent->allocator, parent, parent->maxsize,
                    parent->align, begin, length);
    return &part.release()->memory;
}

void frame_allocator_class_init(FrameAllocatorClass* klass) {
    klass->parent.alloc = refuse_to_alloc;
    klass->parent.free = free_memory;
}

void frame_allocator_init(FrameAllocator* self) {
    GstAllocator* allocator = &self->parent;
    allocator->mem_type = memory_type;
    allocator->mem_map = map;
    allocator->mem_unmap = unmap;
    allocator->mem_share = share_part;
    // With this flag the base class copies into memory of the default allocator.
    GST_OBJECT_FLAG_SET(allocator, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

void set_bytes(GstMemory* memory, const std::byte* data, gsize size) {
    from_c(memory)->data = const_cast<std::byte*>(data);
    memory->offset = 0;
    memory->size = memory->maxsize = size;
}

}  // namespace

Owned<GstAllocator> frame_allocator_new() {
    auto* allocator = GST_ALLOCATOR(g_object_new(frame_allocator_get_type(), nullptr));
    return Owned<GstAllocator>(GST_ALLOCATOR(gst_object_ref_sink(allocator)));
}

Owned<GstMemory> frame_memory_new(GstAllocator* allocator) {
    auto memory = std::make_unique<FrameMemory>();
    gst_memory_init(&memory->memory, GST_MEMORY_FLAG_READONLY, allocator, nullptr, 0, 0, 0, 0);
    return Owned<GstMemory>(&memory.release()->memory);
}

bool is_frame_memory(GstMemory* memory) {
    // The address, not the characters: nobody else has this one.
    return memory->allocator && memory->allocator->mem_type == memory_type && !memory->parent;
}

void hold(GstMemory* memory, Frame&& frame, gsize size) {
    GST_MINI_OBJECT_FLAG_SET(memory, GST_MEMORY_FLAG_READONLY);
    set_bytes(memory, frame.data(), size);
    from_c(memory)->held = std::move(frame);
}

void hold(GstMemory* memory, WritableFrame&& frame, gsize size) {
    GST_MINI_OBJECT_FLAG_UNSET(memory, GST_MEMORY_FLAG_READONLY);
    set_bytes(memory, frame.data(), size);
    from_c(memory)->held = std::move(frame);
}

WritableFrame* held_slot(GstMemory* memory) {
    return is_frame_memory(memory) ? std::get_if<WritableFrame>(&from_c(memory)->held) : nullptr;
}

void seal(GstMemory* memory) {
    GST_MINI_OBJECT_FLAG_SET(memory, GST_MEMORY_FLAG_READONLY);
}

void let_go(GstMemory* memory) {
    set_bytes(memory, nullptr, 0);
    from_c(memory)->held = std::monostate{};
}

}  // namespace ndsharray::gst
