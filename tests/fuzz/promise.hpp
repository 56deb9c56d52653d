// SPDX-License-Identifier: BSD-3-Clause
// What has to hold whatever the input is.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace ndsharray::fuzz {

/// Ends the process, so that libFuzzer keeps the input.
inline void require(bool holds, const char* promise) {
    if (holds)
        return;
    std::fprintf(stderr, "==broken promise: %s\n", promise);
    std::abort();
}

}  // namespace ndsharray::fuzz
