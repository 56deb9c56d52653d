// SPDX-License-Identifier: BSD-3-Clause
// Locks of one byte each, owned by the open file description.
#pragma once

#include <cstdint>

namespace ndsharray::platform {

/// Takes the lock alone. Whoever may read the file may hold it shared, and so keep us from it.
bool try_lock(int file, std::uint64_t byte) noexcept;
/// The same, beside others who hold it so. Fails where somebody holds it alone.
bool try_lock_shared(int file, std::uint64_t byte) noexcept;
void unlock(int file, std::uint64_t byte) noexcept;

/// Whether somebody else holds the lock for writing. Takes nothing.
bool is_locked(int file, std::uint64_t byte) noexcept;

}  // namespace ndsharray::platform
