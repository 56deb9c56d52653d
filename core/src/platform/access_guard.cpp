// SPDX-License-Identifier: BSD-3-Clause
// Signals for accesses to our mappings. The kernel raises SIGBUS if a file was made shorter: the process goes
// on. It raises SIGSEGV for a write into read-only memory: a sentence on stderr explains it.
#include "platform/access_guard.hpp"

#include "platform/signal_chain.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ndsharray::platform {
namespace {

/// Ranges, in a list of arrays that only grows: the handler may read it at any instant, in any thread.
struct Chunk {
    std::array<GuardedRange, 64> ranges;
    std::atomic<Chunk*> next{nullptr};
};
constinit Chunk first_chunk;

constinit SignalChain cut_files;
constinit SignalChain forbidden_writes;
std::uintptr_t page_bytes = 4096;

#if defined(SYS_mmap2)
constexpr long mmap_number = SYS_mmap2;
#else
constexpr long mmap_number = SYS_mmap;
#endif

/// Makes the system call directly: sanitizers replace mmap(3) by code that a signal handler must not call.
bool map_zeros(std::uintptr_t begin, std::uintptr_t end, bool writable) noexcept {
    const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    return syscall(mmap_number, begin, end - begin, protection, flags, -1, 0) == static_cast<long>(begin);
}

/// Asks each range. \returns the first answer that is not false; otherwise false.
template <typename Question>
auto ask_ranges(Question question) noexcept {
    for (Chunk* chunk = &first_chunk; chunk != nullptr; chunk = chunk->next.load(std::memory_order_acquire))
        for (GuardedRange& range : chunk->ranges)
            if (auto answer = question(range))
                return answer;
    return decltype(question(first_chunk.ranges[0])){};
}

void handle_bus(int signal, siginfo_t* info, void* context) noexcept {
    const int error = errno;
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    // BUS_ADRERR: there is no file behind the address, or no room for the page. Other codes mean broken
    // hardware.
    if (info->si_code != BUS_ADRERR || !ask_ranges([=](GuardedRange& range) { return range.mend(address); }))
        cut_files.pass_on(signal, info, context);
    errno = error;
}

/// Only calls what a signal handler may call.
void explain_write(const GuardedRange::Name& tag) noexcept {
    static constexpr std::string_view before = "ndsharray: a write into a frame of tag \"";
    static constexpr std::string_view after =
        "\", which is read-only shared memory. Change a copy instead. Python: frame.copy(), or "
        "Reader(tag, writable=True); C++: ReaderOptions::writable.\n";
    std::array<char, before.size() + std::tuple_size_v<GuardedRange::Name> + after.size()> text;
    char* end = std::copy(before.begin(), before.end(), text.begin());
    end = std::copy(tag.begin(), std::find(tag.begin(), tag.end(), '\0'), end);
    end = std::copy(after.begin(), after.end(), end);
    // If it cannot be written, nothing can be done.
    static_cast<void>(!write(STDERR_FILENO, text.data(), static_cast<std::size_t>(end - text.data())));
}

void handle_violation(int signal, siginfo_t* info, void* context) noexcept {
    const int error = errno;
    const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
    static std::atomic<std::uintptr_t> explained{0};
    if (info->si_code == SEGV_ACCERR) {
        const auto tag = ask_ranges([=](GuardedRange& range) { return range.read_only_at(address); });
        // A handler may return, and then the access is repeated. One explanation is enough. Relaxed: the
        // number publishes nothing else.
        if (tag && explained.exchange(address, std::memory_order_relaxed) != address)
            explain_write(*tag);
    }
    forbidden_writes.pass_on(signal, info, context);
    errno = error;
}

void install() noexcept {
    page_bytes = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    cut_files.install(SIGBUS, handle_bus);
    forbidden_writes.install(SIGSEGV, handle_violation);
}

}  // namespace

GuardedRange* GuardedRange::guard(const std::byte* address, std::size_t bytes, Access access,
                                  std::string_view tag) noexcept {
    static const bool installed = (install(), true);
    static_cast<void>(installed);
    GuardedRange* const range = take_any();
    if (range == nullptr)
        return nullptr;
    const auto begin = reinterpret_cast<std::uintptr_t>(address);
    range->cut_.store(false, std::memory_order_relaxed);
    range->writable_.store(access == Access::ReadWrite, std::memory_order_relaxed);
    for (std::size_t i = 0; i < range->tag_.size(); ++i)
        range->tag_[i].store(i < tag.size() ? tag[i] : '\0', std::memory_order_relaxed);
    range->end_.store(begin + bytes, std::memory_order_relaxed);
    range->begin_.store(begin, std::memory_order_relaxed);
    range->version_.fetch_add(1, std::memory_order_release);  // it counts from now on
    return range;
}

/// Begins where the last free range was found: mostly there is another one, so many ranges take no longer.
GuardedRange* GuardedRange::take_any() noexcept {
    static std::atomic<Chunk*> last{&first_chunk};
    for (;;) {
        Chunk* end = &first_chunk;
        // Acquire: a chunk is complete before it is stored here.
        for (Chunk* const start : {last.load(std::memory_order_acquire), &first_chunk})
            for (Chunk* chunk = start; chunk != nullptr;
                 chunk = chunk->next.load(std::memory_order_acquire)) {
                for (GuardedRange& range : chunk->ranges)
                    if (range.take()) {
                        last.store(chunk, std::memory_order_release);
                        return &range;
                    }
                end = chunk;
            }
        Chunk* fresh = new (std::nothrow) Chunk;  // used until the process ends
        if (fresh == nullptr)
            return nullptr;
        Chunk* none = nullptr;
        if (!end->next.compare_exchange_strong(none, fresh, std::memory_order_acq_rel))
            delete fresh;  // another thread was faster
        else
            last.store(fresh, std::memory_order_release);
    }
}

/// Takes a free range: makes its version odd. \returns whether it was free.
bool GuardedRange::take() noexcept {
    std::uint32_t version = version_.load(std::memory_order_relaxed);
    if (version % 2 != 0 || begin_.load(std::memory_order_relaxed) != 0)
        return false;
    if (!version_.compare_exchange_strong(version, version + 1, std::memory_order_acquire))
        return false;
    // The version did not change, so the range was still free. Release: the odd version is visible before the
    // fields.
    std::atomic_thread_fence(std::memory_order_release);
    return true;
}

void GuardedRange::release() noexcept {
    version_.fetch_add(1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);  // the odd version is visible before the fields
    begin_.store(0, std::memory_order_relaxed);
    version_.fetch_add(1, std::memory_order_release);
}

std::optional<GuardedRange::Content> GuardedRange::look(std::uintptr_t address) const noexcept {
    const std::uint32_t version = version_.load(std::memory_order_acquire);
    Content content;
    content.begin = begin_.load(std::memory_order_relaxed);
    content.end = end_.load(std::memory_order_relaxed);
    if (content.begin == 0 || address < content.begin || address >= content.end)
        return std::nullopt;
    content.writable = writable_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < tag_.size(); ++i)
        content.tag[i] = tag_[i].load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (version % 2 != 0 || version_.load(std::memory_order_relaxed) != version)
        return std::nullopt;
    return content;
}

bool GuardedRange::mend(std::uintptr_t address) noexcept {
    const auto content = look(address);
    if (!content)
        return false;
    // Stored before the zeros are visible: the system call in between is a barrier for all threads of this
    // process.
    cut_.store(true, std::memory_order_seq_cst);
    any_was_cut_.store(true, std::memory_order_seq_cst);
    const std::uintptr_t last = (content->end + page_bytes - 1) / page_bytes * page_bytes;
    return map_zeros(address / page_bytes * page_bytes, last, content->writable);
}

std::optional<GuardedRange::Name> GuardedRange::read_only_at(std::uintptr_t address) const noexcept {
    const auto content = look(address);
    if (!content || content->writable || content->tag[0] == '\0')
        return std::nullopt;
    return content->tag;
}

}  // namespace ndsharray::platform
