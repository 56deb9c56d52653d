// SPDX-License-Identifier: BSD-3-Clause
// Surviving a file that is made shorter while it is mapped, which the kernel answers with SIGBUS.
#include "platform/sigbus_guard.hpp"

#include <array>
#include <cerrno>
#include <new>

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ndsharray::platform {
namespace {

/// Ranges in a list of arrays that only grows: the handler walks it at any instant, in any thread.
struct Chunk {
    std::array<GuardedRange, 64> ranges;
    std::atomic<Chunk*> next{nullptr};
};
constinit Chunk first_chunk;

// Set before our handler is, and never again.
struct sigaction before_us {};
std::uintptr_t page_bytes = 4096;

#if defined(SYS_mmap2)
constexpr long mmap_number = SYS_mmap2;
#else
constexpr long mmap_number = SYS_mmap;
#endif

/// Nothing but the system call: what sanitizers put around mmap(3) is not for signal handlers.
bool map_zeros(std::uintptr_t begin, std::uintptr_t end, bool writable) noexcept {
    const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    return syscall(mmap_number, begin, end - begin, protection, flags, -1, 0) == static_cast<long>(begin);
}

/// What the signal would have done without us.
void pass_on(int signal, siginfo_t* info, void* context) noexcept {
    const bool with_info = (before_us.sa_flags & SA_SIGINFO) != 0;
    const bool by_default = !with_info && before_us.sa_handler == SIG_DFL;
    const bool ignored = !with_info && before_us.sa_handler == SIG_IGN;
    const bool by_access = info->si_code > 0;  // else somebody sent it
    if (ignored && !by_access)
        return;
    if (by_default || ignored) {
        // The access that failed is made again when we return, and ends the process where it happened; what
        // was sent is sent again. The kernel lets nobody ignore a failed access.
        struct sigaction end {};
        end.sa_handler = SIG_DFL;
        sigaction(signal, &end, nullptr);
        if (!by_access)
            raise(signal);
        return;
    }
    if (with_info)
        before_us.sa_sigaction(signal, info, context);
    else
        before_us.sa_handler(signal);
}

bool mend(std::uintptr_t address) noexcept {
    for (Chunk* chunk = &first_chunk; chunk != nullptr; chunk = chunk->next.load(std::memory_order_acquire))
        for (GuardedRange& range : chunk->ranges)
            if (range.mend(address))
                return true;
    return false;
}

void handle(int signal, siginfo_t* info, void* context) noexcept {
    const int error = errno;
    // BUS_ADRERR: no file, or no room for a page of it, behind the address. Others are broken hardware.
    if (info->si_code != BUS_ADRERR || !mend(reinterpret_cast<std::uintptr_t>(info->si_addr)))
        pass_on(signal, info, context);
    errno = error;
}

void install() noexcept {
    page_bytes = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    sigaction(SIGBUS, nullptr, &before_us);
    struct sigaction ours {};
    ours.sa_sigaction = handle;
    ours.sa_mask = before_us.sa_mask;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (before_us.sa_flags & (SA_NODEFER | SA_RESTART));
    sigaction(SIGBUS, &ours, nullptr);
}

}  // namespace

GuardedRange* GuardedRange::guard(const std::byte* address, std::size_t bytes, Access access) noexcept {
    static const bool installed = (install(), true);
    static_cast<void>(installed);
    for (Chunk* chunk = &first_chunk;;) {
        for (GuardedRange& range : chunk->ranges) {
            if (!range.take())
                continue;
            const auto begin = reinterpret_cast<std::uintptr_t>(address);
            range.cut_.store(false, std::memory_order_relaxed);
            range.writable_.store(access == Access::ReadWrite, std::memory_order_relaxed);
            range.end_.store(begin + bytes, std::memory_order_relaxed);
            range.begin_.store(begin, std::memory_order_relaxed);
            range.version_.fetch_add(1, std::memory_order_release);  // it counts from now on
            return &range;
        }
        if (chunk->next.load(std::memory_order_acquire) == nullptr) {
            Chunk* fresh = new (std::nothrow) Chunk;  // for as long as the process lives
            if (fresh == nullptr)
                return nullptr;
            Chunk* none = nullptr;
            if (!chunk->next.compare_exchange_strong(none, fresh, std::memory_order_acq_rel))
                delete fresh;  // another thread was faster
        }
        chunk = chunk->next.load(std::memory_order_acquire);
    }
}

/// Makes a free range change, by which it is the caller's.
bool GuardedRange::take() noexcept {
    std::uint32_t version = version_.load(std::memory_order_relaxed);
    if (version % 2 != 0 || begin_.load(std::memory_order_relaxed) != 0)
        return false;
    if (!version_.compare_exchange_strong(version, version + 1, std::memory_order_acquire))
        return false;
    // Acquire, and the version as it was: it was free when it was taken.
    std::atomic_thread_fence(std::memory_order_release);
    return true;
}

void GuardedRange::release() noexcept {
    version_.fetch_add(1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);  // odd before anything below is seen
    begin_.store(0, std::memory_order_relaxed);
    version_.fetch_add(1, std::memory_order_release);
}

bool GuardedRange::mend(std::uintptr_t address) noexcept {
    const std::uint32_t version = version_.load(std::memory_order_acquire);
    const std::uintptr_t begin = begin_.load(std::memory_order_relaxed);
    const std::uintptr_t end = end_.load(std::memory_order_relaxed);
    const bool writable = writable_.load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (version % 2 != 0 || version_.load(std::memory_order_relaxed) != version)
        return false;
    if (begin == 0 || address < begin || address >= end)
        return false;
    // Said before the zeros can be seen; the system call in between is a barrier for everybody who has the
    // memory mapped.
    cut_.store(true, std::memory_order_seq_cst);
    const std::uintptr_t last = (end + page_bytes - 1) / page_bytes * page_bytes;
    return map_zeros(address / page_bytes * page_bytes, last, writable);
}

}  // namespace ndsharray::platform
