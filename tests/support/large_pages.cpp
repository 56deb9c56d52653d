// SPDX-License-Identifier: BSD-3-Clause
// A kernel with larger pages than this machine has, for LD_PRELOAD (`meson test --setup pages_of_64k`):
// $PAGE_BYTES is their size. It says that size, maps at multiples of it, and takes no advice, no unmapping
// and no fixed mapping that does not begin at one. (Of the end of a file it cannot show as many zeros as such
// a kernel does.)
#undef _FILE_OFFSET_BITS  // both mmap and mmap64, as each library calls them

#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

template <typename Function>
Function* real(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

std::size_t page_bytes() {
    static const std::size_t bytes = [] {
        const char* const text = std::getenv("PAGE_BYTES");
        return text == nullptr ? std::size_t{65536} : std::strtoull(text, nullptr, 10);
    }();
    return bytes;
}

std::size_t whole_pages(std::size_t bytes) {
    return (bytes + page_bytes() - 1) / page_bytes() * page_bytes();
}

bool begins_a_page(const void* address) {
    return reinterpret_cast<std::uintptr_t>(address) % page_bytes() == 0;
}

int refuse() {
    errno = EINVAL;
    return -1;
}

template <typename Offset>
void* map(const char* name, void* address, std::size_t bytes, int protection, int flags, int file,
          Offset at) {
    auto* const next = real<void*(void*, std::size_t, int, int, int, Offset)>(name);
    if ((flags & MAP_FIXED) != 0)
        return begins_a_page(address) ? next(address, bytes, protection, flags, file, at)
                                      : (refuse(), MAP_FAILED);
    // As much room as it takes, from a multiple on.
    const std::size_t room = whole_pages(bytes);
    auto* const any = static_cast<std::byte*>(next(
        nullptr, room + page_bytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, Offset{0}));
    if (any == MAP_FAILED)
        return MAP_FAILED;
    const std::size_t before =
        whole_pages(reinterpret_cast<std::uintptr_t>(any)) - reinterpret_cast<std::uintptr_t>(any);
    static auto* const unmap = real<int(void*, std::size_t)>("munmap");
    if (before > 0)
        unmap(any, before);
    if (before < page_bytes())
        unmap(any + before + room, page_bytes() - before);
    return next(any + before, bytes, protection, flags | MAP_FIXED, file, at);
}

#if defined(SYS_mmap2)
constexpr long mmap_number = SYS_mmap2;
#else
constexpr long mmap_number = SYS_mmap;
#endif

using SystemCall = long(long, long, long, long, long, long, long);
// When this is loaded: a signal handler makes such calls.
SystemCall* const next_system_call = real<SystemCall>("syscall");

}  // namespace

extern "C" {

long syscall(long number, ...) noexcept {
    long words[6];
    va_list arguments;
    va_start(arguments, number);
    for (long& word : words)
        word = va_arg(arguments, long);
    va_end(arguments);
    if (number == mmap_number && (words[3] & MAP_FIXED) != 0 &&
        !begins_a_page(reinterpret_cast<void*>(words[0])))
        return refuse();
    SystemCall* const next = next_system_call != nullptr ? next_system_call : real<SystemCall>("syscall");
    return next(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

long sysconf(int name) noexcept {
    static auto* const next = real<long(int)>("sysconf");
    return name == _SC_PAGESIZE ? static_cast<long>(page_bytes()) : next(name);
}

int getpagesize() noexcept {
    return static_cast<int>(page_bytes());
}

void* mmap(void* address, std::size_t bytes, int protection, int flags, int file, off_t at) noexcept {
    return map<off_t>("mmap", address, bytes, protection, flags, file, at);
}

void* mmap64(void* address, std::size_t bytes, int protection, int flags, int file, off64_t at) noexcept {
    return map<off64_t>("mmap64", address, bytes, protection, flags, file, at);
}

int munmap(void* address, std::size_t bytes) noexcept {
    static auto* const next = real<int(void*, std::size_t)>("munmap");
    return begins_a_page(address) ? next(address, whole_pages(bytes)) : refuse();
}

int madvise(void* address, std::size_t bytes, int advice) noexcept {
    static auto* const next = real<int(void*, std::size_t, int)>("madvise");
    return begins_a_page(address) ? next(address, whole_pages(bytes), advice) : refuse();
}

}  // extern "C"
