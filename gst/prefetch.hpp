// SPDX-License-Identifier: BSD-3-Clause
// Asking for memory before it is needed. The core has its own, for what it shares with other processes.
#pragma once

#include <cstdint>

namespace ndsharray::gst {

/// Asks for an object's memory before it is needed: after a wait it is no longer in the cache, and one line
/// after the other would be missed. Nothing waits.
template <class T>
void prefetch(const T* object) {
    constexpr std::uintptr_t line = 64;
    const auto first = reinterpret_cast<std::uintptr_t>(object);
    for (std::uintptr_t at = first / line * line; object && at < first + sizeof(T); at += line) {
        __builtin_prefetch(reinterpret_cast<const void*>(at));
    }
}

}  // namespace ndsharray::gst
