// SPDX-License-Identifier: BSD-3-Clause
// Files by descriptor and by name.
#include "platform/file.hpp"

#include "platform/own_files.hpp"
#include "testing/faults.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace ndsharray::platform {
namespace {

FileStatus to_status(const struct stat& raw) noexcept {
    constexpr std::uint64_t block = 512;  // of st_blocks, on every file system
    return {.regular = S_ISREG(raw.st_mode),
            .directory = S_ISDIR(raw.st_mode),
            .link = S_ISLNK(raw.st_mode),
            .owner = raw.st_uid,
            .bytes = static_cast<std::uint64_t>(raw.st_size),
            .device = raw.st_dev,
            .inode = raw.st_ino,
            .allocated_bytes = static_cast<std::uint64_t>(raw.st_blocks) * block,
            .permissions = raw.st_mode & 0777};
}

}  // namespace

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

Opened open_existing(const char* path, Access access) noexcept {
    const int flags =
        (access == Access::ReadWrite ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    const int number = ::open(path, flags);
    return {Descriptor(number), number < 0 ? errno : 0};
}

Opened create_new(const std::string& path, unsigned permissions) noexcept try {
    own_files::NewEntry entry(path);
    Descriptor file;
    {
        const own_files::Change change;
        file = Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!file)
            return {Descriptor(), errno};
        if (const auto status = status_of(file))
            entry.keep(change, *status);
    }
    NDSHARRAY_FAULT_POINT(FileCreated);
    if (!set_permissions(file, permissions)) {
        const int error = errno;
        unlink_file(path);
        return {Descriptor(), error};
    }
    return {std::move(file), 0};
} catch (const std::bad_alloc&) {
    return {Descriptor(), ENOMEM};
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
    // In pieces: when a signal comes, the kernel undoes the piece that it is reserving. With frequent
    // signals, a large piece would never be complete.
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

bool is_on_tmpfs(const Descriptor& file) noexcept {
    struct statfs status {};
    return fstatfs(file.number(), &status) == 0 && status.f_type == TMPFS_MAGIC;
}

bool is_on_proc(const std::string& directory) noexcept {
    struct statfs status {};
    return statfs(directory.c_str(), &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

std::uint64_t first_hole(const Descriptor& file, std::uint64_t offset) noexcept {
    const off_t found = lseek(file.number(), static_cast<off_t>(offset), SEEK_HOLE);
    return found < 0 ? offset : static_cast<std::uint64_t>(found);
}

std::uint64_t free_bytes(const Descriptor& file) noexcept {
    struct statvfs status {};
    if (fstatvfs(file.number(), &status) != 0)
        return 0;
    if (status.f_blocks == 0)  // a tmpfs without a limit has 0 blocks
        return std::numeric_limits<std::uint64_t>::max();
    return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

bool set_permissions(const Descriptor& file, unsigned permissions) noexcept {
    return fchmod(file.number(), permissions) == 0;
}

namespace {

/// Calls a function that gives a file this name. It is then a file of this process. \returns 0 or an errno.
template <typename Call>
int give_name(const std::string& name, Call call) noexcept try {
    own_files::NewEntry entry(name);
    const own_files::Change change;
    if (call() != 0)
        return errno;
    if (const auto status = status_of(name))
        entry.keep(change, *status);
    return 0;
} catch (const std::bad_alloc&) {
    return ENOMEM;
}

std::string path_of(const Descriptor& file) {
    return "/proc/self/fd/" + std::to_string(file.number());
}

}  // namespace

int link_file(const std::string& from, const std::string& to) noexcept {
    return give_name(to, [&] { return ::link(from.c_str(), to.c_str()); });
}

void give_back_name(const std::string& from, const std::string& to) noexcept {
    static_cast<void>(!::link(from.c_str(), to.c_str()));
}

int link_open_file(const Descriptor& file, const std::string& to) noexcept try {
    return give_name(to, [&, from = path_of(file)] {
        return ::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), AT_SYMLINK_FOLLOW);
    });
} catch (const std::bad_alloc&) {
    return ENOMEM;
}

bool can_link_open_files() noexcept {
    return ::access("/proc/self/fd", X_OK) == 0;
}

int rename_file(const std::string& from, const std::string& to) noexcept {
    const int error = give_name(to, [&] { return ::rename(from.c_str(), to.c_str()); });
    if (error == 0)
        own_files::forget(own_files::Change(), from);
    return error;
}

int unlink_file(const std::string& path) noexcept {
    // Not within a Change: the kernel frees the memory of the file, which takes long if it is large.
    const int error = ::unlink(path.c_str()) == 0 ? 0 : errno;
    own_files::forget(own_files::Change(), path);
    return error;
}

int unlink_file(const std::string& path, const FileStatus& file) noexcept {
    const own_files::Change change;
    const auto named = status_of(path);
    const bool leads_there = named && named->same_file(file);
    const int error = leads_there && ::unlink(path.c_str()) != 0 ? errno : 0;
    own_files::forget(change, path);
    return error;
}

bool write_at(int file, std::uint64_t offset, std::span<const std::byte> bytes) noexcept {
    while (!bytes.empty()) {
        const ssize_t written = pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
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

Listing list_directory(const std::string& path) {
    Listing found;
    DIR* directory = opendir(path.c_str());
    if (directory == nullptr) {
        found.error = errno;
        return found;
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> close_at_end(directory, closedir);
    errno = 0;  // an error sets it, the end does not
    while (const dirent* entry = readdir(directory)) {
        found.names.emplace_back(entry->d_name);
        errno = 0;
    }
    found.error = errno;
    return found;
}

}  // namespace ndsharray::platform
