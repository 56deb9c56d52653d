// SPDX-License-Identifier: BSD-3-Clause
// Which system calls a thread makes, and how often.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <thread>

namespace ndsharray::test {

/// How often each was made, by its number: SYS_futex.
using SystemCalls = std::map<long, std::uint64_t>;

/// Lets the kernel ask before each system call of a thread, and counts. The thread makes them all the same,
/// only slower. Those that never reach the kernel, as reading the clock mostly does not, are not seen.
class SystemCallWatch {
  public:
    SystemCallWatch();

    /// Waits until the watched thread has ended: nobody else could answer for its system calls.
    ~SystemCallWatch();
    SystemCallWatch(const SystemCallWatch&) = delete;
    SystemCallWatch& operator=(const SystemCallWatch&) = delete;

    /// Watches the calling thread from here to its end. Once.
    /// \throws std::system_error where the kernel does not let it.
    void watch_this_thread();

    /// All so far, but those of numbers no kernel has. Any thread.
    SystemCalls counted() const;

    /// Whether the watched thread has ended.
    bool has_ended() const noexcept { return ended_; }

  private:
    void answer();

    // A watched thread touches these without a system call: a lock would wait for who answers for it.
    std::atomic<int> notifications_;                         // a descriptor, or a negative number
    std::array<std::atomic<std::uint64_t>, 1024> counts_{};  // by number
    std::atomic<bool> ended_{false};
    std::thread answering_;
};

/// Keeps a thread in a system call of one kind, until it is released: what takes the kernel long.
class HeldSystemCall {
  public:
    explicit HeldSystemCall(long number) : number_(number) {}

    /// Waits until the thread, and those that it started since, have ended.
    ~HeldSystemCall();
    HeldSystemCall(const HeldSystemCall&) = delete;
    HeldSystemCall& operator=(const HeldSystemCall&) = delete;

    /// From here on the calling thread is held there. Once.
    /// \throws std::system_error where the kernel does not let it.
    void hold_this_thread();

    /// Waits until it is. \returns false if it did not come to that in time.
    bool holds() const;

    /// Lets it go on, now and every time later.
    void release();

  private:
    void answer();

    const long number_;
    std::atomic<int> notifications_{-1};
    std::atomic<bool> released_{false};
    std::thread answering_;
};

/// What was counted in between.
SystemCalls operator-(SystemCalls after, const SystemCalls& before);

/// How many calls there are in all.
std::uint64_t total(const SystemCalls& calls);

}  // namespace ndsharray::test
