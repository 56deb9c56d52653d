// SPDX-License-Identifier: BSD-3-Clause
// Marks the symbols that the shared library exports. All others are hidden.
#pragma once

// The check is for the requested standard. GCC 10 reports 201709 with -std=c++20.
#if __cplusplus <= 201703L
#error "ndsharray needs C++20: compile with -std=c++20 or later"
#endif

#define NDSHARRAY_API __attribute__((visibility("default")))
