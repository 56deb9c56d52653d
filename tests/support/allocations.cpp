// SPDX-License-Identifier: BSD-3-Clause
// How often threads of this process allocate memory: the C library's functions with a counter before them.
#include "allocations.hpp"

#include <cerrno>
#include <cstddef>

// What the GNU C library calls its own functions, for who puts others in their place.
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* block, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
}

namespace {

// Part of the thread from its start, so that counting does not allocate.
thread_local constinit std::uint64_t allocations = 0;

}  // namespace

extern "C" {

void* malloc(std::size_t bytes) {
    ++allocations;
    return __libc_malloc(bytes);
}

void* calloc(std::size_t count, std::size_t bytes) {
    ++allocations;
    return __libc_calloc(count, bytes);
}

void* realloc(void* block, std::size_t bytes) {
    ++allocations;
    return __libc_realloc(block, bytes);
}

void* memalign(std::size_t alignment, std::size_t bytes) {
    ++allocations;
    return __libc_memalign(alignment, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
    ++allocations;
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) {
    ++allocations;
    void* made = __libc_memalign(alignment, bytes);
    if (made == nullptr)
        return ENOMEM;
    *block = made;
    return 0;
}

}  // extern "C"

namespace ndsharray::test {

std::uint64_t allocations_of_this_thread() noexcept {
    return allocations;
}

}  // namespace ndsharray::test
