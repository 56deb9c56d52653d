// SPDX-License-Identifier: BSD-3-Clause
// What the kernel and the clock say: processor time, page faults, memory, latencies.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ndsharray::bench {

/// What this process has used so far, or used between two instants.
struct Usage {
    std::int64_t time = 0;          ///< CLOCK_MONOTONIC, nanoseconds
    std::int64_t processor = 0;     ///< user and system time of all threads, nanoseconds
    std::int64_t minor_faults = 0;  ///< page faults that needed no disk
};

Usage usage_now() noexcept;
Usage operator-(const Usage& end, const Usage& start) noexcept;

/// Latencies in nanoseconds: the greatest exactly, and a regular sample of them all. Recording costs nothing
/// but a store into memory that is there already.
class LatencySamples {
  public:
    LatencySamples();

    void record(std::int64_t latency) noexcept;
    void clear() noexcept;
    std::int64_t greatest() const noexcept { return greatest_; }
    std::span<const std::int64_t> sample() const noexcept { return sample_; }

  private:
    std::vector<std::int64_t> sample_;  // every step_th latency
    std::size_t step_ = 1;
    std::size_t until_next_ = 1;
    std::int64_t greatest_ = 0;
};

/// Memory of one process in bytes, as /proc/<pid>/status tells.
struct ProcessMemory {
    std::uint64_t peak = 0;       ///< VmHWM: the most that ever was resident, shared memory included
    std::uint64_t anonymous = 0;  ///< RssAnon: its own, now
};

ProcessMemory memory_of(pid_t process);

/// Bytes that the files on tmpfs (/dev/shm, memfd) which any of the processes maps or has open occupy, each
/// file counted once.
std::uint64_t shared_memory_of(std::span<const pid_t> processes);

/// The q-quantile, 0 <= q <= 1, of values in any order; 0 if there are none.
double quantile(std::vector<double> values, double q);

inline double median(std::vector<double> values) {
    return quantile(std::move(values), 0.5);
}

}  // namespace ndsharray::bench
