// SPDX-License-Identifier: BSD-3-Clause
// Files by descriptor and by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

namespace ndsharray::platform {

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

/// An open file, or an errno.
struct Opened {
    Descriptor file;
    int error = 0;
};

enum class Access { ReadOnly, ReadWrite };

/// Opens an existing file without following a symlink in its last component and without blocking on a FIFO.
Opened open_existing(const char* path, Access access) noexcept;
inline Opened open_existing(const std::string& path, Access access) noexcept {
    return open_existing(path.c_str(), access);
}

/// Creates a file, which must not exist. It gets exactly these permissions, with any umask. It is one of
/// own_files.hpp until it is unlinked.
Opened create_new(const std::string& path, unsigned permissions) noexcept;

struct FileStatus {
    bool regular = false;
    bool directory = false;
    bool link = false;
    uid_t owner = 0;
    std::uint64_t bytes = 0;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t allocated_bytes = 0;
    unsigned permissions = 0;

    bool same_file(const FileStatus& other) const noexcept {
        return device == other.device && inode == other.inode;
    }
};
std::optional<FileStatus> status_of(const Descriptor& file) noexcept;

/// Does not follow a symlink. If there is no status, errno has the reason.
std::optional<FileStatus> status_of(const std::string& path) noexcept;

/// Sets the length of a file. New bytes are zero and take no space yet. \returns 0 or an errno.
int set_size(const Descriptor& file, std::uint64_t bytes) noexcept;

/// Reserves space for a part of a file, so that a later access cannot fail. Makes the file longer if the part
/// ends after it. \returns 0 or an errno.
int reserve(const Descriptor& file, std::uint64_t offset, std::uint64_t bytes) noexcept;

/// Whether the file is on a tmpfs. There, an access to a hole allocates memory, and `allocated_bytes` is
/// exact.
bool is_on_tmpfs(const Descriptor& file) noexcept;

/// Whether this directory is on a file system as /proc is one, wherever it is mounted. Its links, such as
/// /proc/1/root, may lead elsewhere than they say: another process may see another file system there.
bool is_on_proc(const std::string& directory) noexcept;

/// The begin of the first hole at or after this offset. The offset itself if there is nothing. On a tmpfs,
/// memory that was reserved and never touched is a hole, too.
std::uint64_t first_hole(const Descriptor& file, std::uint64_t offset) noexcept;

/// Number of bytes that are free for this user in the file system of this file.
std::uint64_t free_bytes(const Descriptor& file) noexcept;

/// Sets the permissions of a file, with any umask.
bool set_permissions(const Descriptor& file, unsigned permissions) noexcept;

/// Gives a file of this process a second name, which must not exist. \returns 0 or an errno.
int link_file(const std::string& from, const std::string& to) noexcept;

/// Gives the file of another process its former name back.
void give_back_name(const std::string& from, const std::string& to) noexcept;

/// Gives an open file one more name. ENOENT: it has no name any longer. Only if can_link_open_files().
int link_open_file(const Descriptor& file, const std::string& to) noexcept;
bool can_link_open_files() noexcept;

int rename_file(const std::string& from, const std::string& to) noexcept;
int unlink_file(const std::string& path) noexcept;

/// Removes the name if it leads to this file. \returns 0, also if it does not, or an errno.
int unlink_file(const std::string& path, const FileStatus& file) noexcept;

/// Writes all bytes. \returns whether it succeeded.
bool write_at(int file, std::uint64_t offset, std::span<const std::byte> bytes) noexcept;
inline bool write_at(const Descriptor& file, std::uint64_t offset,
                     std::span<const std::byte> bytes) noexcept {
    return write_at(file.number(), offset, bytes);
}

/// Reads as many bytes as there are. \returns their number.
std::size_t read_at(const Descriptor& file, std::uint64_t offset, std::span<std::byte> bytes) noexcept;

/// Names in a directory. If there is an errno, some or all are missing.
struct Listing {
    std::vector<std::string> names;
    int error = 0;
};
Listing list_directory(const std::string& path);

}  // namespace ndsharray::platform
