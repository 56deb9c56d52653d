// SPDX-License-Identifier: BSD-3-Clause
// Locks of one byte. The open file description owns them.
#include "platform/lock.hpp"

#include <fcntl.h>

namespace ndsharray::platform {
namespace {

struct flock lock_request(short type, std::uint64_t byte) noexcept {
    struct flock request {};
    request.l_type = type;
    request.l_whence = SEEK_SET;
    request.l_start = static_cast<off_t>(byte);
    request.l_len = 1;
    return request;
}

}  // namespace

bool try_lock(int file, std::uint64_t byte) noexcept {
    struct flock request = lock_request(F_WRLCK, byte);
    return fcntl(file, F_OFD_SETLK, &request) == 0;
}

bool try_lock_shared(int file, std::uint64_t byte) noexcept {
    struct flock request = lock_request(F_RDLCK, byte);
    return fcntl(file, F_OFD_SETLK, &request) == 0;
}

void unlock(int file, std::uint64_t byte) noexcept {
    struct flock request = lock_request(F_UNLCK, byte);
    fcntl(file, F_OFD_SETLK, &request);
}

bool is_locked(int file, std::uint64_t byte) noexcept {
    // A request for a read lock finds only exclusive locks.
    struct flock request = lock_request(F_RDLCK, byte);
    // If the request fails, the owner may live, and must not count as dead.
    return fcntl(file, F_OFD_GETLK, &request) != 0 || request.l_type != F_UNLCK;
}

}  // namespace ndsharray::platform
