// SPDX-License-Identifier: BSD-3-Clause
// The thin layer over the kernel: the only place that calls fcntl, mmap, futex or inotify.
#include "platform.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <limits>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ndsharray::platform {
namespace {

// futex_waitv has the same number on every architecture; the C library's headers may be older than it.
constexpr long futex_waitv_number = 449;
constexpr std::uint32_t futex_waitv_32 = 2;
constexpr std::uint32_t futex_waitv_private = 128;
struct WaitvElement {  // struct futex_waitv of the kernel
    std::uint64_t value;
    std::uint64_t address;
    std::uint32_t flags;
    std::uint32_t reserved;
};

// The time futexes take on every architecture, 32-bit ones included: the kernel's __kernel_timespec.
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
    // FUTEX_WAIT_BITSET takes an absolute CLOCK_MONOTONIC time, so an interrupted wait does not lengthen.
    syscall(futex_number, what.word, FUTEX_WAIT_BITSET | privacy, what.seen, deadline ? &time : nullptr,
            nullptr, FUTEX_BITSET_MATCH_ANY);
}

WaitvElement waitv_element(Watched what, std::uint32_t privacy) noexcept {
    return {what.seen, reinterpret_cast<std::uintptr_t>(what.word), futex_waitv_32 | privacy, 0};
}

std::atomic<bool> have_waitv{true};

struct flock lock_request(short type, std::uint64_t byte) noexcept {
    struct flock request {};
    request.l_type = type;
    request.l_whence = SEEK_SET;
    request.l_start = static_cast<off_t>(byte);
    request.l_len = 1;
    return request;
}

FileStatus to_status(const struct stat& raw) noexcept {
    return {S_ISREG(raw.st_mode), raw.st_uid, static_cast<std::uint64_t>(raw.st_size), raw.st_dev,
            raw.st_ino};
}

}  // namespace

std::int64_t monotonic_now() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

Deadline deadline_after(std::optional<Nanoseconds> timeout) noexcept {
    if (!timeout)
        return std::nullopt;
    const auto now = std::chrono::steady_clock::now();
    if (*timeout > std::chrono::steady_clock::time_point::max() - now)
        return std::nullopt;
    return now + std::max(*timeout, Nanoseconds{0});
}

Deadline no_later_than(Deadline deadline, Nanoseconds at_most) noexcept {
    const auto limit = std::chrono::steady_clock::now() + at_most;
    return deadline ? std::min(*deadline, limit) : limit;
}

bool has_passed(const Deadline& deadline) noexcept {
    return deadline && std::chrono::steady_clock::now() >= *deadline;
}

std::uint64_t random_bits() noexcept {
    std::uint64_t bits = 0;
    while (getrandom(&bits, sizeof bits, 0) != sizeof bits) {
    }
    return bits;
}

// ---- files

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        close();
        number_ = other.forget();
    }
    return *this;
}

int Descriptor::forget() noexcept {
    return std::exchange(number_, -1);
}

void Descriptor::close() noexcept {
    if (number_ >= 0)
        ::close(forget());
}

Opened open_existing(const std::string& path, Access access) noexcept {
    const int flags =
        (access == Access::ReadWrite ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    const int number = ::open(path.c_str(), flags);
    return {Descriptor(number), number < 0 ? errno : 0};
}

Opened create_new(const std::string& path, unsigned permissions) noexcept {
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file)
        return {Descriptor(), errno};
    if (!set_permissions(file, permissions)) {
        const int error = errno;
        ::unlink(path.c_str());
        return {Descriptor(), error};
    }
    return {std::move(file), 0};
}

std::optional<FileStatus> status_of(const Descriptor& file) noexcept {
    struct stat raw {};
    if (fstat(file.number(), &raw) != 0)
        return std::nullopt;
    return to_status(raw);
}

std::optional<FileStatus> status_of(const std::string& path) noexcept {
    struct stat raw {};
    if (lstat(path.c_str(), &raw) != 0)
        return std::nullopt;
    return to_status(raw);
}

int set_size(const Descriptor& file, std::uint64_t bytes) noexcept {
    if (bytes > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max()))
        return EFBIG;
    return ftruncate(file.number(), static_cast<off_t>(bytes)) == 0 ? 0 : errno;
}

int reserve(const Descriptor& file, std::uint64_t offset, std::uint64_t bytes) noexcept {
    // In pieces: a signal makes the kernel undo the piece it was at, and a large one under frequent signals
    // would never be done.
    constexpr std::uint64_t piece = 16 * 1024 * 1024;
    for (const std::uint64_t end = offset + bytes; offset < end;) {
        const std::uint64_t length = std::min(piece, end - offset);
        const int error =
            posix_fallocate(file.number(), static_cast<off_t>(offset), static_cast<off_t>(length));
        if (error == EINTR)
            continue;
        if (error != 0)
            return error;
        offset += length;
    }
    return 0;
}

std::uint64_t free_bytes(const Descriptor& file) noexcept {
    struct statvfs status {};
    if (fstatvfs(file.number(), &status) != 0)
        return 0;
    if (status.f_blocks == 0)  // a tmpfs without a limit says 0 of 0
        return std::numeric_limits<std::uint64_t>::max();
    return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

bool set_permissions(const Descriptor& file, unsigned permissions) noexcept {
    return fchmod(file.number(), permissions) == 0;
}

int link_file(const std::string& from, const std::string& to) noexcept {
    return ::link(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

int rename_file(const std::string& from, const std::string& to) noexcept {
    return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

int unlink_file(const std::string& path) noexcept {
    return ::unlink(path.c_str()) == 0 ? 0 : errno;
}

bool write_at(const Descriptor& file, std::uint64_t offset, std::span<const std::byte> bytes) noexcept {
    while (!bytes.empty()) {
        const ssize_t written = pwrite(file.number(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        offset += static_cast<std::uint64_t>(written);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

std::size_t read_at(const Descriptor& file, std::uint64_t offset, std::span<std::byte> bytes) noexcept {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t found =
            pread(file.number(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
        if (found < 0 && errno == EINTR)
            continue;
        if (found <= 0)
            break;
        done += static_cast<std::size_t>(found);
    }
    return done;
}

std::vector<std::string> list_directory(const std::string& path) {
    std::vector<std::string> names;
    DIR* directory = opendir(path.c_str());
    if (directory == nullptr)
        return names;
    while (const dirent* entry = readdir(directory))
        names.emplace_back(entry->d_name);
    closedir(directory);
    return names;
}

uid_t own_user() noexcept {
    return geteuid();
}

std::optional<uid_t> user_id(const std::string& name_or_number) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> buffer(16384);
    getpwnam_r(name_or_number.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found != nullptr)
        return found->pw_uid;
    const bool digits = !name_or_number.empty() && name_or_number.size() <= 10 &&
                        std::all_of(name_or_number.begin(), name_or_number.end(),
                                    [](char c) { return c >= '0' && c <= '9'; });
    if (!digits)
        return std::nullopt;
    const unsigned long long number = std::stoull(name_or_number);
    if (number > std::numeric_limits<uid_t>::max())
        return std::nullopt;
    return static_cast<uid_t>(number);
}

std::string user_name(uid_t user) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> buffer(16384);
    getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found);
    return found != nullptr ? std::string(found->pw_name) : std::to_string(user);
}

std::uint32_t own_pid() noexcept {
    return static_cast<std::uint32_t>(getpid());
}

std::string error_text(int error) {
    return std::generic_category().message(error);
}

// ---- locks

bool try_lock(int file, std::uint64_t byte) noexcept {
    struct flock request = lock_request(F_WRLCK, byte);
    return fcntl(file, F_OFD_SETLK, &request) == 0;
}

void unlock(int file, std::uint64_t byte) noexcept {
    struct flock request = lock_request(F_UNLCK, byte);
    fcntl(file, F_OFD_SETLK, &request);
}

bool is_locked(int file, std::uint64_t byte) noexcept {
    // Asking for a read lock finds only those who hold the byte for writing.
    struct flock request = lock_request(F_RDLCK, byte);
    return fcntl(file, F_OFD_GETLK, &request) == 0 && request.l_type != F_UNLCK;
}

// ---- memory

Mapping::Mapping(Mapping&& other) noexcept
    : address_(std::exchange(other.address_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      access_(other.access_) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(bytes_, other.bytes_);
    std::swap(access_, other.access_);
    return *this;
}

Mapping::~Mapping() {
    if (address_ != nullptr)
        munmap(address_, bytes_);
}

Mapping Mapping::of(const Descriptor& file, std::uint64_t bytes, Access access) noexcept {
    if (bytes == 0 || bytes > std::numeric_limits<std::size_t>::max()) {
        errno = ENOMEM;
        return {};
    }
    const int protection = access == Access::ReadWrite ? PROT_READ | PROT_WRITE : PROT_READ;
    void* address = mmap(nullptr, static_cast<std::size_t>(bytes), protection, MAP_SHARED, file.number(), 0);
    Mapping mapping;
    if (address != MAP_FAILED) {
        mapping.address_ = static_cast<std::byte*>(address);
        mapping.bytes_ = bytes;
        mapping.access_ = access;
    }
    return mapping;
}

void Mapping::populate(std::uint64_t offset, std::uint64_t bytes) const noexcept {
    constexpr int populate_read = 22;  // MADV_POPULATE_*, Linux 5.14; the C library's headers may be older
    constexpr int populate_write = 23;
    constexpr std::uint64_t page = 4096;  // the smallest there is; madvise rounds the end up by itself
    const std::uint64_t begin = offset / page * page;
    const bool writable = access_ == Access::ReadWrite;
    if (madvise(address_ + begin, static_cast<std::size_t>(offset + bytes - begin),
                writable ? populate_write : populate_read) == 0 ||
        errno != EINVAL)
        return;
    for (std::uint64_t at = offset; at < offset + bytes; at = at / page * page + page) {
        auto* byte = reinterpret_cast<volatile std::byte*>(address_ + at);
        if (writable)
            *byte = std::byte{0};
        else
            static_cast<void>(*byte);
    }
}

// ---- threads

std::unique_ptr<std::thread> start_thread(std::function<void()> work) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited by the new thread
    auto thread = std::make_unique<std::thread>(std::move(work));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}

// ---- futexes

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
        have_waitv.store(false, std::memory_order_relaxed);  // sandboxes say EPERM
    }
    if (own.word->load(std::memory_order_acquire) == own.seen)
        futex_wait(shared, no_later_than(deadline, std::chrono::milliseconds(50)), 0);
}

// ---- file events

FileEvents::FileEvents()
    : inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)), interrupt_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!interrupt_)
        inotify_.close();
}

int FileEvents::watch_directory(const std::string& path) noexcept {
    return inotify_add_watch(inotify_.number(), path.c_str(), IN_CREATE | IN_MOVED_TO | IN_MASK_ADD);
}

int FileEvents::watch_file(const Descriptor& file) noexcept {
    // By descriptor, not by name: whatever is at the name by now, this is the file that was checked.
    const std::string path = "/proc/self/fd/" + std::to_string(file.number());
    return inotify_add_watch(inotify_.number(), path.c_str(),
                             IN_CLOSE_WRITE | IN_MODIFY | IN_DELETE_SELF | IN_ATTRIB | IN_MASK_ADD);
}

void FileEvents::forget(int watch) noexcept {
    inotify_rm_watch(inotify_.number(), watch);
}

std::vector<FileEvent> FileEvents::wait(const Deadline& deadline) {
    pollfd polled[2] = {{inotify_.number(), POLLIN, 0}, {interrupt_.number(), POLLIN, 0}};
    timespec time{};
    if (deadline) {
        const auto left = std::max<std::int64_t>(
            0, std::chrono::duration_cast<Nanoseconds>(*deadline - std::chrono::steady_clock::now()).count());
        time.tv_sec = static_cast<time_t>(left / 1'000'000'000);
        time.tv_nsec = static_cast<long>(left % 1'000'000'000);
    }
    ppoll(polled, 2, deadline ? &time : nullptr, nullptr);
    std::uint64_t interrupts = 0;
    [[maybe_unused]] const ssize_t drained = read(interrupt_.number(), &interrupts, sizeof interrupts);

    std::vector<FileEvent> events;
    alignas(inotify_event) char buffer[4096];
    for (ssize_t length; (length = read(inotify_.number(), buffer, sizeof buffer)) > 0;) {
        for (ssize_t at = 0; at < length;) {
            inotify_event raw;
            std::memcpy(&raw, buffer + at, sizeof raw);
            const char* name = buffer + at + sizeof raw;
            events.push_back({raw.wd, raw.len > 0 ? std::string(name) : std::string()});
            at += static_cast<ssize_t>(sizeof raw + raw.len);
        }
    }
    return events;
}

void FileEvents::interrupt() noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(interrupt_.number(), &one, sizeof one);
}

}  // namespace ndsharray::platform
