// SPDX-License-Identifier: BSD-3-Clause
// qemu-user says of all advice on memory that it was followed, and passes on hardly any. With this in
// LD_PRELOAD a program hears the truth, as a kernel before 5.14 says it: that there is no such advice.
#include <sys/mman.h>

#include <cerrno>
#include <cstddef>

extern "C" int madvise(void*, std::size_t, int) noexcept {
    errno = EINVAL;
    return -1;
}
