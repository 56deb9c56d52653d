// SPDX-License-Identifier: BSD-3-Clause
// An ordinary file, read and written at given places.
#include "file.hpp"

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ndsharray::cli {
namespace {

[[noreturn]] void fail(const std::string& action, const std::string& path) {
    throw std::system_error(errno, std::generic_category(), "cannot " + action + " " + path);
}

}  // namespace

File::File(std::string path, int flags)
    : path_(std::move(path)), number_(::open(path_.c_str(), flags | O_CLOEXEC, 0666)) {}

File File::open(const std::string& path) {
    // A FIFO would be waited for, without an end and deaf to Ctrl-C; size() refuses it.
    File file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (file.number_ < 0)
        fail("open", path);
    return file;
}

File File::create(const std::string& path) {
    File file(path, O_RDWR | O_CREAT | O_EXCL);
    if (file.number_ < 0 && errno == EEXIST)
        throw std::runtime_error(path + " exists already; --force overwrites it");
    if (file.number_ < 0)
        fail("create", path);
    return file;
}

File File::replace(const std::string& path) {
    File file(path, O_RDWR | O_CREAT | O_TRUNC);
    if (file.number_ < 0)
        fail("create", path);
    return file;
}

File::~File() {
    if (number_ >= 0)
        ::close(number_);
}

File::File(File&& other) noexcept
    : path_(std::move(other.path_)), number_(std::exchange(other.number_, -1)) {}

File& File::operator=(File&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(number_, other.number_);
    return *this;
}

std::uint64_t File::size() const {
    struct stat status {};
    if (::fstat(number_, &status) != 0)
        fail("look at", path_);
    if (!S_ISREG(status.st_mode))
        throw std::runtime_error(path_ + " is no regular file");
    return static_cast<std::uint64_t>(status.st_size);
}

std::size_t File::read(std::uint64_t offset, std::span<std::byte> bytes) const {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t found =
            ::pread(number_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
        if (found < 0 && errno == EINTR)
            continue;
        if (found < 0)
            fail("read", path_);
        if (found == 0)
            break;
        done += static_cast<std::size_t>(found);
    }
    return done;
}

void File::write(std::uint64_t offset, std::span<const std::byte> bytes) const {
    while (!bytes.empty()) {
        const ssize_t written = ::pwrite(number_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            fail("write", path_);
        offset += static_cast<std::uint64_t>(written);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
}

void File::cut(std::uint64_t bytes) const {
    if (::ftruncate(number_, static_cast<off_t>(bytes)) != 0)
        fail("cut", path_);
}

}  // namespace ndsharray::cli
