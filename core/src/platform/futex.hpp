// SPDX-License-Identifier: BSD-3-Clause
// Waits on words of memory, and wakes the waiting threads.
#pragma once

#include "platform/clock.hpp"

#include <atomic>
#include <cstdint>

namespace ndsharray::platform {

/// Wakes all threads of all processes that wait on a word in shared memory.
void wake_shared(const std::atomic<std::uint32_t>& word) noexcept;

/// Wakes the threads of this process that wait on a word of its own memory.
void wake_private(const std::atomic<std::uint32_t>& word) noexcept;

/// A futex word, and the value that was last loaded from it.
struct Watched {
    const std::atomic<std::uint32_t>* word;
    std::uint32_t seen;
};

/// Sleeps while the word has the seen value, until it is woken, or until the deadline. May wake without a
/// reason.
void wait_private(Watched own, const Deadline& deadline) noexcept;

/// Sleeps while both words have their seen values. Kernels before 5.16 cannot wait on two words. There it
/// sleeps on the shared word for at most 50 ms, and the caller looks at the private word again.
void wait_either(Watched shared, Watched own, const Deadline& deadline) noexcept;

}  // namespace ndsharray::platform
