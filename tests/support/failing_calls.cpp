// SPDX-License-Identifier: BSD-3-Clause
// Calls of the system, and allocations, that fail when a test says so.
// Functions under their own names: with 64-bit offsets the headers would give them others.
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include "failing_calls.hpp"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

namespace ndsharray::test {
namespace {

constexpr int allocation_errors[] = {ENOMEM};
constexpr int thread_errors[] = {EAGAIN};
constexpr int open_errors[] = {EMFILE,  ENFILE, ENOMEM,  EACCES,    ENOENT,       ENOSPC,    EDQUOT,
                               EINTR,   EROFS,  EPERM,   ELOOP,     EISDIR,       ENXIO,     ENODEV,
                               ENOTDIR, EEXIST, ETXTBSY, EAGAIN,    EBUSY,        EFBIG,     EINVAL,
                               EIO,     ENOLCK, ESTALE,  EOVERFLOW, ENAMETOOLONG, EOPNOTSUPP};
constexpr int map_errors[] = {ENOMEM, EAGAIN, ENFILE, ENODEV, EACCES, EPERM, EINVAL, EOVERFLOW, ETXTBSY};
constexpr int truncate_errors[] = {ENOSPC, EFBIG, EINTR, EIO, EPERM, EROFS, EINVAL, ETXTBSY, EACCES};
constexpr int allocate_errors[] = {ENOSPC, EINTR,      EFBIG, EDQUOT,  EIO,
                                   ENODEV, EOPNOTSUPP, EPERM, ETXTBSY, EINVAL};
constexpr int lock_errors[] = {EAGAIN, EACCES, ENOLCK, EINTR, EINVAL, EDEADLK};
constexpr int lock_query_errors[] = {EINVAL, EINTR, ENOLCK};
constexpr int wait_errors[] = {EINTR, EAGAIN, ETIMEDOUT, ENOSYS};
constexpr int wait_either_errors[] = {EINTR, EAGAIN, ETIMEDOUT, ENOSYS, EPERM};
constexpr int inotify_errors[] = {EMFILE, ENFILE, ENOMEM};
constexpr int inotify_watch_errors[] = {ENOSPC, ENOMEM, EACCES, ENOENT, ENOTDIR, ENAMETOOLONG};
constexpr int event_fd_errors[] = {EMFILE, ENFILE, ENOMEM, ENODEV};
constexpr int link_errors[] = {ENOSPC, EDQUOT, EEXIST,  EACCES, EIO,   ELOOP, EMLINK,
                               ENOENT, ENOMEM, ENOTDIR, EPERM,  EROFS, EXDEV, ENAMETOOLONG};
constexpr int rename_errors[] = {ENOSPC, EDQUOT,  EACCES,    EBUSY, EISDIR, ELOOP, EMLINK, ENOENT,
                                 ENOMEM, ENOTDIR, ENOTEMPTY, EPERM, EROFS,  EXDEV, EINVAL, ENAMETOOLONG};
constexpr int permissions_errors[] = {EPERM, EIO, EROFS};
constexpr int list_errors[] = {EMFILE, ENFILE, ENOMEM, EACCES, ENOENT, ENOTDIR};

constexpr FallibleCall all_calls[] = {
    {Call::Allocation, "operator new, aligned_alloc", allocation_errors},
    {Call::Thread, "pthread_create", thread_errors},
    {Call::Open, "open", open_errors},
    {Call::Map, "mmap", map_errors},
    {Call::Truncate, "ftruncate", truncate_errors},
    {Call::Allocate, "posix_fallocate", allocate_errors},
    {Call::Lock, "fcntl F_OFD_SETLK", lock_errors},
    {Call::LockQuery, "fcntl F_OFD_GETLK", lock_query_errors},
    {Call::Wait, "futex wait", wait_errors},
    {Call::WaitEither, "futex_waitv", wait_either_errors},
    {Call::Inotify, "inotify_init1", inotify_errors},
    {Call::InotifyWatch, "inotify_add_watch", inotify_watch_errors},
    {Call::EventFd, "eventfd", event_fd_errors},
    {Call::Link, "link, linkat", link_errors},
    {Call::Rename, "rename", rename_errors},
    {Call::Permissions, "fchmod", permissions_errors},
    {Call::List, "opendir", list_errors},
};

/// What is to happen in this process.
struct Plan {
    std::atomic<bool> active{false};
    Failure failure;
    std::atomic<unsigned> reached{0};
    std::atomic<bool> happened{false};
    bool only_ours = false;
};
Plan plan;

// Part of the thread from its start, so that looking at them does not allocate.
thread_local constinit bool is_test_thread = false;
thread_local constinit unsigned armed = 0;

/// Whether code at this address is ours, or the C++ library's, which works for us.
bool is_ours(const void* caller) noexcept {
    Dl_info library{};
    if (dladdr(caller, &library) == 0 || library.dli_fname == nullptr)
        return false;
    const std::string_view name(library.dli_fname);
    return name.find("ndsharray") != std::string_view::npos && name.find(".so") != std::string_view::npos;
}

/// \param for_us known to be, whoever calls.
/// \returns the error to fail with, or 0.
int error_for(Call call, const void* caller, bool for_us = false) noexcept {
    if (!plan.active.load(std::memory_order_acquire) || call != plan.failure.call)
        return 0;
    if (is_test_thread && armed == 0)
        return 0;
    if (plan.only_ours && !for_us && !is_ours(caller))
        return 0;
    const unsigned n = plan.reached.fetch_add(1) + 1;
    if (n != plan.failure.n && !(plan.failure.lasting && n > plan.failure.n))
        return 0;
    plan.happened.store(true);
    return plan.failure.error;
}

/// The C library's function of this name.
template <typename Function>
Function* real(const char* name) noexcept {
    void* found = dlsym(RTLD_NEXT, name);
    Function* function = nullptr;
    std::memcpy(&function, &found, sizeof function);
    return function;
}

void* allocate(std::size_t bytes, std::size_t alignment, const void* caller) noexcept {
    if (error_for(Call::Allocation, caller, true) != 0)
        return nullptr;
    if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__)
        return std::malloc(bytes != 0 ? bytes : 1);
    void* block = nullptr;
    return posix_memalign(&block, alignment, bytes) == 0 ? block : nullptr;
}

void* allocate_or_throw(std::size_t bytes, std::size_t alignment, const void* caller) {
    void* block = allocate(bytes, alignment, caller);
    if (block == nullptr)
        throw std::bad_alloc();
    return block;
}

}  // namespace

std::span<const FallibleCall> fallible_calls() {
    return all_calls;
}

std::string to_string(const Failure& failure) {
    for (const FallibleCall& call : all_calls)
        if (call.call == failure.call)
            return std::string(call.name) + " " + std::to_string(failure.n) +
                   (failure.lasting ? " and later ones " : " ") + strerrorname_np(failure.error);
    return "";
}

void plan_failure(const Failure& failure, bool only_ours) {
    is_test_thread = true;
    plan.active.store(false);
    plan.failure = failure;
    plan.only_ours = only_ours;
    plan.reached.store(0);
    plan.happened.store(false);
    plan.active.store(failure.n != 0, std::memory_order_release);
}

void end_failures() noexcept {
    plan.active.store(false);
}

Failure planned_failure() {
    return plan.failure;
}

bool failure_happened() noexcept {
    return plan.happened.load();
}

Armed::Armed() noexcept {
    ++armed;
}
Armed::~Armed() {
    --armed;
}

}  // namespace ndsharray::test

using ndsharray::test::Call;
using ndsharray::test::error_for;
using ndsharray::test::real;

// ---- memory

// NOLINTBEGIN(cppcoreguidelines-no-malloc): these are what allocates
void* operator new(std::size_t bytes) {
    return ndsharray::test::allocate_or_throw(bytes, 0, __builtin_return_address(0));
}
void* operator new[](std::size_t bytes) {
    return ndsharray::test::allocate_or_throw(bytes, 0, __builtin_return_address(0));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return ndsharray::test::allocate_or_throw(bytes, static_cast<std::size_t>(alignment),
                                              __builtin_return_address(0));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return ndsharray::test::allocate(bytes, 0, __builtin_return_address(0));
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
    return ndsharray::test::allocate(bytes, 0, __builtin_return_address(0));
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return ndsharray::test::allocate(bytes, static_cast<std::size_t>(alignment), __builtin_return_address(0));
}
void operator delete(void* block) noexcept {
    std::free(block);
}
void operator delete[](void* block) noexcept {
    std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
    std::free(block);
}
void operator delete[](void* block, std::size_t) noexcept {
    std::free(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
    std::free(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
    std::free(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
    std::free(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
    std::free(block);
}
// NOLINTEND(cppcoreguidelines-no-malloc)

extern "C" {

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
    if (const int error = error_for(Call::Allocation, __builtin_return_address(0)); error != 0) {
        errno = error;
        return nullptr;
    }
    void* block = nullptr;
    return posix_memalign(&block, alignment, bytes) == 0 ? block : nullptr;
}

// ---- threads

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) {
    static auto* const next =
        real<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create");
    // Nobody else starts threads by way of the C++ library.
    Dl_info library{};
    const bool by_cxx = dladdr(__builtin_return_address(0), &library) != 0 && library.dli_fname != nullptr &&
                        std::string_view(library.dli_fname).find("libstdc++") != std::string_view::npos;
    if (const int error = error_for(Call::Thread, __builtin_return_address(0), by_cxx); error != 0)
        return error;
    return next(thread, attributes, start, argument);
}

// ---- files. Each is known by several names, depending on the size of offsets.

/// Fails with -1 and errno.
#define FAIL_OR(call)                                                                       \
    if (const int error = error_for(Call::call, __builtin_return_address(0)); error != 0) { \
        errno = error;                                                                      \
        return -1;                                                                          \
    }

#define DEFINE_OPEN(name)                                                  \
    int name(const char* path, int flags, ...) {                           \
        static auto* const next = real<int(const char*, int, ...)>(#name); \
        FAIL_OR(Open)                                                      \
        if ((flags & (O_CREAT | O_TMPFILE)) == 0)                          \
            return next(path, flags);                                      \
        va_list arguments;                                                 \
        va_start(arguments, flags);                                        \
        const mode_t mode = va_arg(arguments, mode_t);                     \
        va_end(arguments);                                                 \
        return next(path, flags, mode);                                    \
    }
#undef open
#undef open64
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

#define DEFINE_MAP(name, Offset)                                                                   \
    void* name(void* address, std::size_t bytes, int protection, int flags, int file, Offset at) { \
        static auto* const next = real<void*(void*, std::size_t, int, int, int, Offset)>(#name);   \
        if (const int error = error_for(Call::Map, __builtin_return_address(0)); error != 0) {     \
            errno = error;                                                                         \
            return MAP_FAILED;                                                                     \
        }                                                                                          \
        return next(address, bytes, protection, flags, file, at);                                  \
    }
DEFINE_MAP(mmap, off_t)
DEFINE_MAP(mmap64, off64_t)

#define DEFINE_TRUNCATE(name, Offset)                            \
    int name(int file, Offset bytes) {                           \
        static auto* const next = real<int(int, Offset)>(#name); \
        FAIL_OR(Truncate)                                        \
        return next(file, bytes);                                \
    }
DEFINE_TRUNCATE(ftruncate, off_t)
DEFINE_TRUNCATE(ftruncate64, off64_t)

#define DEFINE_ALLOCATE(name, Offset)                                                             \
    int name(int file, Offset at, Offset bytes) {                                                 \
        static auto* const next = real<int(int, Offset, Offset)>(#name);                          \
        if (const int error = error_for(Call::Allocate, __builtin_return_address(0)); error != 0) \
            return error;                                                                         \
        return next(file, at, bytes);                                                             \
    }
DEFINE_ALLOCATE(posix_fallocate, off_t)
DEFINE_ALLOCATE(posix_fallocate64, off64_t)

#define DEFINE_FCNTL(name)                                                                     \
    int name(int file, int command, ...) {                                                     \
        static auto* const next = real<int(int, int, ...)>(#name);                             \
        va_list arguments;                                                                     \
        va_start(arguments, command);                                                          \
        void* const argument = va_arg(arguments, void*);                                       \
        va_end(arguments);                                                                     \
        /* What is given back is not refused. */                                               \
        if (command == F_OFD_SETLK && static_cast<struct flock*>(argument)->l_type != F_UNLCK) \
            FAIL_OR(Lock)                                                                      \
        if (command == F_OFD_GETLK)                                                            \
            FAIL_OR(LockQuery)                                                                 \
        return next(file, command, argument);                                                  \
    }
DEFINE_FCNTL(fcntl)
DEFINE_FCNTL(fcntl64)

int fchmod(int file, mode_t mode) {
    static auto* const next = real<int(int, mode_t)>("fchmod");
    FAIL_OR(Permissions)
    return next(file, mode);
}

int link(const char* from, const char* to) {
    static auto* const next = real<int(const char*, const char*)>("link");
    FAIL_OR(Link)
    return next(from, to);
}

int linkat(int from_directory, const char* from, int to_directory, const char* to, int flags) {
    static auto* const next = real<int(int, const char*, int, const char*, int)>("linkat");
    FAIL_OR(Link)
    return next(from_directory, from, to_directory, to, flags);
}

int rename(const char* from, const char* to) {
    static auto* const next = real<int(const char*, const char*)>("rename");
    FAIL_OR(Rename)
    return next(from, to);
}

DIR* opendir(const char* path) {
    static auto* const next = real<DIR*(const char*)>("opendir");
    if (const int error = error_for(Call::List, __builtin_return_address(0)); error != 0) {
        errno = error;
        return nullptr;
    }
    return next(path);
}

// ---- events

int inotify_init1(int flags) {
    static auto* const next = real<int(int)>("inotify_init1");
    FAIL_OR(Inotify)
    return next(flags);
}

int inotify_add_watch(int file, const char* path, std::uint32_t mask) {
    static auto* const next = real<int(int, const char*, std::uint32_t)>("inotify_add_watch");
    FAIL_OR(InotifyWatch)
    return next(file, path, mask);
}

int eventfd(unsigned count, int flags) {
    static auto* const next = real<int(unsigned, int)>("eventfd");
    FAIL_OR(EventFd)
    return next(count, flags);
}

/// Waking is not made to fail: it can not, but with an address that is none.
long syscall(long number, ...) {
    static auto* const next = real<long(long, ...)>("syscall");
    va_list arguments;
    va_start(arguments, number);
    std::array<long, 6> all{};
    for (long& argument : all)
        argument = va_arg(arguments, long);
    va_end(arguments);
    constexpr long futex_waitv_number = 449;
    if (number == futex_waitv_number)
        FAIL_OR(WaitEither)
    if (number == SYS_futex && (all[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET)
        FAIL_OR(Wait)
    return next(number, all[0], all[1], all[2], all[3], all[4], all[5]);
}

}  // extern "C"
