// SPDX-License-Identifier: BSD-3-Clause
// What the core runs in while it is fuzzed: time that passes only in waits, numbers that are random but the
// same in each run, and mappings beside which any access is a crash. One thread does all there is.
#pragma once

#include "promise.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace ndsharray::fuzz {

/// All as it was for the input before: time, random numbers.
void start_over() noexcept;

std::uint64_t next_random() noexcept;

// ---- time

/// Ends all waits of which nobody would wake the one thread: what waits is told to give up.
void when_waiting_too_long(std::function<void()> give_up);

void pass_time(std::chrono::nanoseconds duration) noexcept;

// ---- others change files meanwhile

/// Calls back before the n-th look from now: a load from a mapped file, a system call that reads a file or
/// opens one, or a point that core/src/testing/faults.hpp names. So no two looks need find the same.
void ambush(unsigned nth_look, std::function<void()> attack) noexcept;
void end_ambush() noexcept;
bool is_ambush_pending() noexcept;

// ---- what is left behind

/// Mappings of files that are there.
std::size_t mappings() noexcept;

/// What inotify would tell by now: lets all who watch look.
void tell_watchers();

}  // namespace ndsharray::fuzz
