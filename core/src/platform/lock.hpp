// SPDX-License-Identifier: BSD-3-Clause
// Locks of one byte each, owned by the open file description.
#pragma once

#include <cstdint>

namespace ndsharray::platform {

bool try_lock(int file, std::uint64_t byte) noexcept;
void unlock(int file, std::uint64_t byte) noexcept;

/// Whether somebody else holds the lock for writing. Takes nothing.
bool is_locked(int file, std::uint64_t byte) noexcept;

}  // namespace ndsharray::platform
