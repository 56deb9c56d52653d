// SPDX-License-Identifier: BSD-3-Clause
// The memory of C++20 between the threads of a scene, as far as views can say it. README.md has what is
// modelled.
//
// Each word has its stores in an order (modification order). A thread knows of each word the oldest store
// that it may still see: its view. A load takes any store from there on. Release puts the view into the
// store, acquire takes it out. Bytes that are not atomic have vector clocks: two accesses that are not
// ordered are a race.
#pragma once

#include "atomic.hpp"

#include <cstddef>
#include <cstdint>

namespace ndsharray::model {

// ---- the shared memory

/// Room for the files of a scene, at the same addresses in each run.
inline constexpr std::size_t arena_bytes = std::size_t{512} << 10;
std::byte* arena() noexcept;

/// All of it is zero.
void forget_memory() noexcept;

/// What is in memory now is there again after reset_memory(): the first bytes of each of the first rooms, and
/// what was accessed.
void keep_memory(std::size_t room_bytes, std::size_t first_bytes, std::size_t rooms);
void reset_memory() noexcept;

/// Another thread can go on before each access to a word; after use_contended() only before those to words
/// that several threads have used since learn_contended().
void learn_contended() noexcept;
void use_contended() noexcept;

// ---- bytes that are not atomic

/// Accesses to bytes that are not atomic: what they do is up to the caller. A race breaks a promise.
void write_plain(const void* bytes, std::size_t count, const char* what) noexcept;
void read_plain(const void* bytes, std::size_t count, const char* what) noexcept;

/// The system takes the bytes away. That two threads let it do so is no race.
void discard_plain(const void* bytes, std::size_t count, const char* what) noexcept;

// ---- what the kernel does

/// A thing of the kernel that has an order of its own, as a lock: who comes later knows all that earlier ones
/// knew.
void pass_through(const void* thing) noexcept;

/// As of a thread that died: its stores were executed.
void pass_through_as(unsigned player, const void* thing) noexcept;

/// The value of a futex word that the kernel compares: the last in the order of its stores.
std::uint64_t last_value(const void* word, unsigned bytes) noexcept;

/// A step at something that all threads look at.
void step_of_kernel(const char* what) noexcept;

}  // namespace ndsharray::model
