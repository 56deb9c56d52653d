// SPDX-License-Identifier: BSD-3-Clause
// What the kernel says about the threads of this process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace ndsharray::test {

/// The calling thread's number.
pid_t this_thread_number();

/// The names of all threads of this process but the calling one.
std::string names_of_other_threads();

/// Whether a thread of this process waits in the kernel and goes on doing so.
bool is_blocked(pid_t thread);

/// The same for all threads of this process but the calling one.
bool other_threads_are_blocked();

/// How often a thread of this process went to sleep of its own accord.
std::uint64_t voluntary_switches(pid_t thread);

/// How often all of them but the calling one did.
std::uint64_t voluntary_switches_of_other_threads();

}  // namespace ndsharray::test
