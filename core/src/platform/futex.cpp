// SPDX-License-Identifier: BSD-3-Clause
// Waits on words of memory, and wakes the waiting threads.
#include "platform/futex.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ndsharray::platform {
namespace {

// futex_waitv has the same number on every architecture. The headers of the C library may not have it yet.
constexpr long futex_waitv_number = 449;
constexpr std::uint32_t futex_waitv_32 = 2;
constexpr std::uint32_t futex_waitv_private = 128;
struct WaitvElement {  // struct futex_waitv of the kernel
    std::uint64_t value;
    std::uint64_t address;
    std::uint32_t flags;
    std::uint32_t reserved;
};

// The type of time of futexes, on 64-bit and 32-bit architectures: __kernel_timespec.
#if defined(SYS_futex_time64) && __SIZEOF_LONG__ == 4
constexpr long futex_number = SYS_futex_time64;
#else
constexpr long futex_number = SYS_futex;
#endif
struct KernelTime {
    std::int64_t seconds;
    std::int64_t nanoseconds;
};

KernelTime kernel_time(std::chrono::steady_clock::time_point when) noexcept {
    const std::int64_t ns =
        std::max<std::int64_t>(0, std::chrono::duration_cast<Nanoseconds>(when.time_since_epoch()).count());
    return {ns / 1'000'000'000, ns % 1'000'000'000};
}

void futex_wait(Watched what, const Deadline& deadline, int privacy) noexcept {
    KernelTime time{};
    if (deadline)
        time = kernel_time(*deadline);
    // FUTEX_WAIT_BITSET takes an absolute time of CLOCK_MONOTONIC. So an interrupted wait does not get
    // longer.
    syscall(futex_number, what.word, FUTEX_WAIT_BITSET | privacy, what.seen, deadline ? &time : nullptr,
            nullptr, FUTEX_BITSET_MATCH_ANY);
}

WaitvElement waitv_element(Watched what, std::uint32_t privacy) noexcept {
    return {what.seen, reinterpret_cast<std::uintptr_t>(what.word), futex_waitv_32 | privacy, 0};
}

std::atomic<bool> have_waitv{true};

}  // namespace

void wake_shared(const std::atomic<std::uint32_t>& word) noexcept {
    syscall(SYS_futex, &word, FUTEX_WAKE, std::numeric_limits<int>::max(), nullptr, nullptr, 0);
}

void wake_private(const std::atomic<std::uint32_t>& word) noexcept {
    syscall(SYS_futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, std::numeric_limits<int>::max(), nullptr,
            nullptr, 0);
}

void wait_private(Watched own, const Deadline& deadline) noexcept {
    futex_wait(own, deadline, FUTEX_PRIVATE_FLAG);
}

void wait_either(Watched shared, Watched own, const Deadline& deadline) noexcept {
    if (have_waitv.load(std::memory_order_relaxed)) {
        const WaitvElement elements[2] = {waitv_element(shared, 0), waitv_element(own, futex_waitv_private)};
        KernelTime time{};
        if (deadline)
            time = kernel_time(*deadline);
        const long woken =
            syscall(futex_waitv_number, elements, 2, 0, deadline ? &time : nullptr, CLOCK_MONOTONIC);
        if (woken >= 0 || (errno != ENOSYS && errno != EPERM && errno != EINVAL))
            return;
        have_waitv.store(false, std::memory_order_relaxed);  // EPERM comes from sandboxes
    }
    if (own.word->load(std::memory_order_acquire) == own.seen)
        futex_wait(shared, no_later_than(deadline, std::chrono::milliseconds(50)), 0);
}

}  // namespace ndsharray::platform
