// SPDX-License-Identifier: BSD-3-Clause
// How often threads of this process allocate memory. A program that links this has malloc() counted.
#pragma once

#include <cstdint>

namespace ndsharray::test {

/// Calls of malloc() and its kin, `operator new` included, that the calling thread made so far.
std::uint64_t allocations_of_this_thread() noexcept;

}  // namespace ndsharray::test
