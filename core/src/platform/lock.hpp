// SPDX-License-Identifier: BSD-3-Clause
// Locks of one byte. The open file description owns them.
#pragma once

#include <cstdint>

namespace ndsharray::platform {

/// Takes an exclusive lock. A process that may read the file may hold a shared lock, and then this fails.
bool try_lock(int file, std::uint64_t byte) noexcept;
/// Takes a shared lock. Fails if another descriptor holds an exclusive lock.
bool try_lock_shared(int file, std::uint64_t byte) noexcept;
void unlock(int file, std::uint64_t byte) noexcept;

/// Whether another descriptor holds an exclusive lock. Takes no lock.
bool is_locked(int file, std::uint64_t byte) noexcept;

}  // namespace ndsharray::platform
