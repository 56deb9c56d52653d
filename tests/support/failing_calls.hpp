// SPDX-License-Identifier: BSD-3-Clause
// Calls of the system, and allocations, that fail when a test says so. A program that links this has
// functions of its own before those of the C library.
#pragma once

#include <span>
#include <string>

namespace ndsharray::test {

/// What can be made to fail.
enum class Call {
    Allocation,
    Thread,
    Open,
    Map,
    Truncate,
    Allocate,
    Lock,
    LockQuery,
    Wait,
    WaitEither,
    Inotify,
    InotifyWatch,
    EventFd,
    Link,
    Rename,
    Permissions,
    List,
};

/// One kind of call, and the errors that its manual page names and that can happen to us: none that only a
/// mistake in the arguments brings about.
struct FallibleCall {
    Call call;
    const char* name;
    std::span<const int> errors;  ///< the one seen most often first
};
std::span<const FallibleCall> fallible_calls();

/// Which call fails: the n-th of its kind, and all after it if it is to last.
struct Failure {
    Call call = Call::Allocation;
    int error = 0;
    unsigned n = 0;  ///< 0: none
    bool lasting = false;
};

/// "open 3 EMFILE", for people.
std::string to_string(const Failure& failure);

/// From now on calls count, and one fails: in every thread but this one, where they count while an Armed
/// lives. \param only_ours only calls from our libraries, and what the C++ library does on their behalf.
void plan_failure(const Failure& failure, bool only_ours = false);
void end_failures() noexcept;

/// What was planned last.
Failure planned_failure();

/// Whether the planned call was made, and failed.
bool failure_happened() noexcept;

/// While one lives, calls of the thread that planned a failure count.
class Armed {
  public:
    Armed() noexcept;
    ~Armed();
    Armed(const Armed&) = delete;
    Armed& operator=(const Armed&) = delete;
};

}  // namespace ndsharray::test
