// SPDX-License-Identifier: BSD-3-Clause
// Marks what the shared library exports; everything else is hidden.
#pragma once

// The version that is asked for, not what the compiler could: GCC 10 says 201709 with -std=c++20.
#if __cplusplus <= 201703L
#error "ndsharray needs C++20: compile with -std=c++20 or later"
#endif

#define NDSHARRAY_API __attribute__((visibility("default")))
