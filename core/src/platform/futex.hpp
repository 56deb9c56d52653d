// SPDX-License-Identifier: BSD-3-Clause
// Sleeping and waking on words of memory.
#pragma once

#include "platform/clock.hpp"

#include <atomic>
#include <cstdint>

namespace ndsharray::platform {

/// Wakes everybody who waits on a word in shared memory.
void wake_shared(const std::atomic<std::uint32_t>& word) noexcept;

/// Wakes the threads of this process that wait on a word of its own memory.
void wake_private(const std::atomic<std::uint32_t>& word) noexcept;

/// A futex word and the value it had when last looked at.
struct Watched {
    const std::atomic<std::uint32_t>* word;
    std::uint32_t seen;
};

/// Sleeps while the word has the seen value, until woken or past the deadline. May wake for nothing.
void wait_private(Watched own, const Deadline& deadline) noexcept;

/// Sleeps while both words have their seen values. On kernels before 5.16, which cannot wait on two, it
/// sleeps on the shared word for at most 50 ms: the caller's loop looks at the private one again.
void wait_either(Watched shared, Watched own, const Deadline& deadline) noexcept;

}  // namespace ndsharray::platform
