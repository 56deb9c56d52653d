// SPDX-License-Identifier: BSD-3-Clause
// Prefetches memory before it is needed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ndsharray::platform {

/// Between two frames of a camera, most of the data that a frame needs leaves the cache. The cache lines then
/// come one after another, because one holds the address of the next. This asks for all lines with a known
/// address at once. They come while other work is done. Nothing waits, and no address faults.
inline void prefetch(const void* begin, std::size_t bytes) noexcept {
    constexpr std::uintptr_t line = 64;
    const auto first = reinterpret_cast<std::uintptr_t>(begin);
    for (std::uintptr_t at = first / line * line; at < first + bytes; at += line)
        __builtin_prefetch(reinterpret_cast<const void*>(at));
}

template <typename Object>
void prefetch(const Object& object) noexcept {
    prefetch(&object, sizeof object);
}

/// Prefetches the stack of the functions that are called next.
inline void prefetch_stack() noexcept {
    constexpr std::size_t depth = 2048;
    prefetch(static_cast<const std::byte*>(__builtin_frame_address(0)) - depth, depth);
}

}  // namespace ndsharray::platform
