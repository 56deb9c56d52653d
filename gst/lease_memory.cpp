// SPDX-License-Identifier: BSD-3-Clause
// GstMemory whose bytes are a frame in shared memory.
#include "lease_memory.hpp"

#include <memory>
#include <utility>

namespace ndsharray::gst {
namespace {

constexpr const char* memory_type = "NdshLease";

/// C code knows it by its first member; only this file makes and destroys it.
struct LeaseMemory {
    GstMemory memory{};
    const std::byte* data = nullptr;
    Frame frame;  // empty in a part of another memory, which then keeps its parent
};

struct LeaseAllocator {
    GstAllocator parent;
};

struct LeaseAllocatorClass {
    GstAllocatorClass parent;
};

G_DEFINE_TYPE(LeaseAllocator, lease_allocator, GST_TYPE_ALLOCATOR)

GstMemory* to_c(std::unique_ptr<LeaseMemory> memory) {
    return &memory.release()->memory;
}

LeaseMemory* from_c(GstMemory* memory) {
    return reinterpret_cast<LeaseMemory*>(memory);
}

GstMemory* refuse_to_alloc(GstAllocator*, gsize, GstAllocationParams*) {
    return nullptr;
}

void free_memory(GstAllocator*, GstMemory* memory) {
    std::unique_ptr<LeaseMemory>(from_c(memory)).reset();
}

gpointer map(GstMemory* memory, gsize, GstMapFlags flags) {
    if (flags & GST_MAP_WRITE) {
        return nullptr;
    }
    return const_cast<std::byte*>(from_c(memory)->data);
}

void unmap(GstMemory*) {}

GstMemory* share_part(GstMemory* memory, gssize offset, gssize size) {
    GstMemory* parent = memory->parent ? memory->parent : memory;
    const gsize begin = memory->offset + static_cast<gsize>(offset);
    const gsize length = size == -1 ? memory->size - static_cast<gsize>(offset) : static_cast<gsize>(size);
    auto part = std::make_unique<LeaseMemory>();
    part->data = from_c(parent)->data;
    gst_memory_init(&part->memory, GST_MEMORY_FLAG_READONLY, parent->allocator, parent, parent->maxsize,
                    parent->align, begin, length);
    return to_c(std::move(part));
}

void lease_allocator_class_init(LeaseAllocatorClass* klass) {
    klass->parent.alloc = refuse_to_alloc;
    klass->parent.free = free_memory;
}

void lease_allocator_init(LeaseAllocator* self) {
    GstAllocator* allocator = &self->parent;
    allocator->mem_type = memory_type;
    allocator->mem_map = map;
    allocator->mem_unmap = unmap;
    allocator->mem_share = share_part;
    // With this flag the base class copies into memory of the default allocator.
    GST_OBJECT_FLAG_SET(allocator, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

}  // namespace

Owned<GstAllocator> lease_allocator_new() {
    auto* allocator = GST_ALLOCATOR(g_object_new(lease_allocator_get_type(), nullptr));
    return Owned<GstAllocator>(GST_ALLOCATOR(gst_object_ref_sink(allocator)));
}

Owned<GstMemory> lease_memory_new(GstAllocator* allocator, Frame&& frame, gsize size) {
    auto lease = std::make_unique<LeaseMemory>();
    lease->data = frame.data();
    lease->frame = std::move(frame);
    gst_memory_init(&lease->memory, GST_MEMORY_FLAG_READONLY, allocator, nullptr, size, 0, 0, size);
    return Owned<GstMemory>(to_c(std::move(lease)));
}

}  // namespace ndsharray::gst
