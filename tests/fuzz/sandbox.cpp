// SPDX-License-Identifier: BSD-3-Clause
// The sandbox: functions of the C library that the linker puts this in front of (--wrap, see meson.build),
// and what the compiler calls before each load of the core.
#include "sandbox.hpp"

#include <testing/faults.hpp>

#include <sanitizer/asan_interface.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <ctime>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ndsharray::fuzz {
namespace {

// ---- time

constexpr std::int64_t start_of_time = 1'000'000'000'000;
std::int64_t now = start_of_time;

// ---- random numbers

constexpr std::uint64_t first_seed = 1;
std::uint64_t random_state = 0;

// ---- looks

unsigned looks_left = 0;
std::function<void()> pending;

void look() noexcept {
    if (looks_left == 0 || --looks_left > 0)
        return;
    const auto attack = std::exchange(pending, nullptr);
    if (attack)
        attack();
}

// ---- mappings of files, with nothing around them

struct Range {
    std::byte* begin = nullptr;
    std::size_t bytes = 0;
    std::size_t paged_bytes = 0;
};
std::array<Range, 64> ranges;
std::size_t range_count = 0;

/// Offsets that lie by more than this are found by luck, as without any of it.
constexpr std::size_t nothing_around = std::size_t{1} << 32;

std::size_t round_to_pages(std::size_t bytes) noexcept {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    return (bytes + page - 1) / page * page;
}

bool is_mapped(std::uintptr_t address) noexcept {
    for (std::size_t i = 0; i < range_count; ++i)
        if (address - reinterpret_cast<std::uintptr_t>(ranges[i].begin) < ranges[i].bytes)
            return true;
    return false;
}

void look_at(const void* address) noexcept {
    if (looks_left > 0 && is_mapped(reinterpret_cast<std::uintptr_t>(address)))
        look();
}

}  // namespace

void start_over() noexcept {
    now = start_of_time;
    random_state = first_seed;
    end_ambush();
}

void pass_time(std::chrono::nanoseconds duration) noexcept {
    now += duration.count();
}

std::uint64_t next_random() noexcept {
    random_state += 0x9e3779b97f4a7c15;  // so that none comes twice: names are made of them
    return random_state * 0xbf58476d1ce4e5b9;
}

void ambush(unsigned nth_look, std::function<void()> attack) noexcept {
    looks_left = nth_look;
    pending = std::move(attack);
}

void end_ambush() noexcept {
    looks_left = 0;
    pending = nullptr;
}

bool is_ambush_pending() noexcept {
    return pending != nullptr;
}

std::size_t mappings() noexcept {
    return range_count;
}

}  // namespace ndsharray::fuzz

namespace ndsharray::fault {

void reached(Point) noexcept {
    fuzz::look();
}

}  // namespace ndsharray::fault

using ndsharray::fuzz::look;
using ndsharray::fuzz::look_at;

extern "C" {

// ---- called by what the compiler made of the core

void __sanitizer_cov_load1(std::uint8_t* address) {
    look_at(address);
}
void __sanitizer_cov_load2(std::uint16_t* address) {
    look_at(address);
}
void __sanitizer_cov_load4(std::uint32_t* address) {
    look_at(address);
}
void __sanitizer_cov_load8(std::uint64_t* address) {
    look_at(address);
}
void __sanitizer_cov_load16(__uint128_t* address) {
    look_at(address);
}

// ---- in the place of functions of the C library

int __real_clock_gettime(clockid_t clock, timespec* time);
int __wrap_clock_gettime(clockid_t clock, timespec* time) {
    if (clock != CLOCK_MONOTONIC)
        return __real_clock_gettime(clock, time);
    time->tv_sec = static_cast<time_t>(ndsharray::fuzz::now / 1'000'000'000);
    time->tv_nsec = static_cast<long>(ndsharray::fuzz::now % 1'000'000'000);
    return 0;
}

int __wrap_nanosleep(const timespec* time, timespec*) {
    // A sleep is at least as long as asked for. What looks again every millisecond does so a few times only.
    constexpr std::int64_t late = 20;
    ndsharray::fuzz::now += late * (static_cast<std::int64_t>(time->tv_sec) * 1'000'000'000 + time->tv_nsec);
    return 0;
}

int __real_open64(const char* path, int flags, ...);
int __wrap_open64(const char* path, int flags, ...) {
    std::va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    look();
    return __real_open64(path, flags, mode);
}

ssize_t __real_pread64(int file, void* to, std::size_t bytes, off64_t offset);
ssize_t __wrap_pread64(int file, void* to, std::size_t bytes, off64_t offset) {
    look();
    return __real_pread64(file, to, bytes, offset);
}

void* __real_mmap64(void* address, std::size_t bytes, int protection, int flags, int file, off64_t offset);
void* __wrap_mmap64(void* address, std::size_t bytes, int protection, int flags, int file, off64_t offset) {
    using namespace ndsharray::fuzz;
    if (file < 0 || address != nullptr || bytes > nothing_around)
        return __real_mmap64(address, bytes, protection, flags, file, offset);
    require(range_count < ranges.size(), "few mappings are enough");
    look();
    const std::size_t paged_bytes = round_to_pages(bytes);
    // The system calls alone: the sanitizer would look at all of what is around.
    const long room = syscall(SYS_mmap, nullptr, paged_bytes + 2 * nothing_around, PROT_NONE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == -1)
        return MAP_FAILED;
    auto* const begin = reinterpret_cast<std::byte*>(room) + nothing_around;
    if (syscall(SYS_mmap, begin, bytes, protection, flags | MAP_FIXED, file, offset) == -1) {
        const int error = errno;
        syscall(SYS_munmap, room, paged_bytes + 2 * nothing_around);
        errno = error;
        return MAP_FAILED;
    }
    ranges[range_count++] = {begin, bytes, paged_bytes};
    ASAN_POISON_MEMORY_REGION(begin + bytes, paged_bytes - bytes);
    return begin;
}

int __real_munmap(void* address, std::size_t bytes);
int __wrap_munmap(void* address, std::size_t bytes) {
    using namespace ndsharray::fuzz;
    for (std::size_t i = 0; i < range_count; ++i) {
        if (ranges[i].begin != address)
            continue;
        const Range range = ranges[i];
        require(range.bytes == bytes, "what is unmapped is all that was mapped");
        ASAN_UNPOISON_MEMORY_REGION(range.begin, range.paged_bytes);
        ranges[i] = ranges[--range_count];
        return static_cast<int>(
            syscall(SYS_munmap, range.begin - nothing_around, range.paged_bytes + 2 * nothing_around));
    }
    return __real_munmap(address, bytes);
}

}  // extern "C"

/// std::chrono::steady_clock::now()
std::chrono::steady_clock::time_point wrapped_now() noexcept
    asm("__wrap__ZNSt6chrono3_V212steady_clock3nowEv");
std::chrono::steady_clock::time_point wrapped_now() noexcept {
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(ndsharray::fuzz::now));
}
