// SPDX-License-Identifier: BSD-3-Clause
#include "descriptors.hpp"

#include <sys/resource.h>

namespace ndsharray::mirror {

void allow_more_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::size_t most_descriptors() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

}  // namespace ndsharray::mirror
