// SPDX-License-Identifier: BSD-3-Clause
// A kernel for scenes: files in the memory of the arena, locks, futexes. It stands in for core/src/platform.
#pragma once

#include "atomic.hpp"

namespace ndsharray::model {

/// No file, no lock, no descriptor.
void forget_files() noexcept;

/// Files, locks, descriptors and memory as they are now are there again at the beginning of each run.
void keep_as_beginning();

/// Whose locks are those that are taken while nothing is played: they are dropped when that thread dies.
void take_locks_for(unsigned player) noexcept;

/// From now on there is no room in the file system but for what the files with a name have.
void use_up_room() noexcept;

/// As a signal that ends a process: gives the notices of own_files.hpp.
void give_notices() noexcept;

}  // namespace ndsharray::model
