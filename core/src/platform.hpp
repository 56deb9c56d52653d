// SPDX-License-Identifier: BSD-3-Clause
// The thin layer over the kernel: the only place that calls fcntl, mmap, futex or inotify.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/types.h>

namespace ndsharray::platform {

using Nanoseconds = std::chrono::nanoseconds;
using Deadline = std::optional<std::chrono::steady_clock::time_point>;  // nothing: never

/// CLOCK_MONOTONIC in nanoseconds.
std::int64_t monotonic_now() noexcept;

/// Deadline that lies `timeout` from now; nothing for no timeout and for one beyond what clocks count.
Deadline deadline_after(std::optional<Nanoseconds> timeout) noexcept;

/// The earlier of a deadline and `at_most` from now.
Deadline no_later_than(Deadline deadline, Nanoseconds at_most) noexcept;

bool has_passed(const Deadline& deadline) noexcept;

/// 64 random bits from the kernel.
std::uint64_t random_bits() noexcept;

// ---- files

/// Owns a file descriptor.
class Descriptor {
  public:
    Descriptor() noexcept = default;
    explicit Descriptor(int number) noexcept : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(other.forget()) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor() { close(); }

    explicit operator bool() const noexcept { return number_ >= 0; }
    int number() const noexcept { return number_; }
    int forget() noexcept;
    void close() noexcept;

  private:
    int number_ = -1;
};

/// An opened file, or the errno that says why not.
struct Opened {
    Descriptor file;
    int error = 0;
};

enum class Access { ReadOnly, ReadWrite };

/// Opens an existing file without following a symlink in its last component and without blocking on a FIFO.
Opened open_existing(const std::string& path, Access access) noexcept;

/// Creates a file that must not exist, with exactly these permissions whatever the umask is.
Opened create_new(const std::string& path, unsigned permissions) noexcept;

struct FileStatus {
    bool regular = false;
    uid_t owner = 0;
    std::uint64_t bytes = 0;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;

    bool same_file(const FileStatus& other) const noexcept {
        return device == other.device && inode == other.inode;
    }
};
std::optional<FileStatus> status_of(const Descriptor& file) noexcept;
std::optional<FileStatus> status_of(const std::string& path) noexcept;  // of a symlink: itself

/// Makes a file as long as this. Its bytes are zero and take no space yet. \returns 0 or an errno.
int set_size(const Descriptor& file, std::uint64_t bytes) noexcept;

/// Reserves space for a part of a file, so that touching it later cannot fail. \returns 0 or an errno.
int reserve(const Descriptor& file, std::uint64_t offset, std::uint64_t bytes) noexcept;

/// Bytes the file system of this file has left for us.
std::uint64_t free_bytes(const Descriptor& file) noexcept;

/// Sets a file's permissions, whatever the umask is.
bool set_permissions(const Descriptor& file, unsigned permissions) noexcept;

/// Gives a file a second name that must not exist. \returns 0 or an errno.
int link_file(const std::string& from, const std::string& to) noexcept;
int rename_file(const std::string& from, const std::string& to) noexcept;
int unlink_file(const std::string& path) noexcept;

/// Writes all of the bytes. \returns whether that succeeded.
bool write_at(const Descriptor& file, std::uint64_t offset, std::span<const std::byte> bytes) noexcept;

/// Reads as many bytes as there are. \returns how many.
std::size_t read_at(const Descriptor& file, std::uint64_t offset, std::span<std::byte> bytes) noexcept;

/// Names in a directory; empty if it cannot be read.
std::vector<std::string> list_directory(const std::string& path);

uid_t own_user() noexcept;
std::optional<uid_t> user_id(const std::string& name_or_number);
std::string user_name(uid_t user);
std::uint32_t own_pid() noexcept;

/// Text for an errno.
std::string error_text(int error);

// ---- locks: one byte each, owned by the open file description

bool try_lock(int file, std::uint64_t byte) noexcept;
void unlock(int file, std::uint64_t byte) noexcept;

/// Whether somebody else holds the lock for writing. Takes nothing.
bool is_locked(int file, std::uint64_t byte) noexcept;

// ---- memory

/// Owns a shared mapping of a file.
class Mapping {
  public:
    Mapping() noexcept = default;
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    ~Mapping();

    /// Maps the first `bytes` of a file. An empty mapping means failure; errno says why.
    static Mapping of(const Descriptor& file, std::uint64_t bytes, Access access) noexcept;

    explicit operator bool() const noexcept { return address_ != nullptr; }
    std::byte* data() const noexcept { return address_; }

    /// Brings a part into the page table, so that no later access to it faults. To be written, it must have
    /// been reserved, and nobody else may use it yet.
    void populate(std::uint64_t offset, std::uint64_t bytes) const noexcept;

  private:
    std::byte* address_ = nullptr;
    std::uint64_t bytes_ = 0;
    Access access_ = Access::ReadOnly;
};

// ---- threads

/// Starts a thread that the application's signal handlers never run on.
std::unique_ptr<std::thread> start_thread(std::function<void()> work);

// ---- futexes

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

// ---- file events

/// Something happened to a watched file or directory.
struct FileEvent {
    int watch = -1;
    std::string name;  // of the file in a watched directory
};

/// An inotify instance with an eventfd to interrupt its wait.
class FileEvents {
  public:
    FileEvents();

    explicit operator bool() const noexcept { return static_cast<bool>(inotify_); }

    /// Reports files that get a name in this directory. \returns a watch number, or -1.
    int watch_directory(const std::string& path) noexcept;

    /// Reports that this open file was closed by someone who could write it (death included), was written
    /// with write(2), or was unlinked. \returns a watch number, or -1.
    int watch_file(const Descriptor& file) noexcept;
    void forget(int watch) noexcept;

    /// Events since the last call; sleeps until there are some, interrupt() or the deadline.
    std::vector<FileEvent> wait(const Deadline& deadline);
    void interrupt() noexcept;

  private:
    Descriptor inotify_;
    Descriptor interrupt_;
};

}  // namespace ndsharray::platform
