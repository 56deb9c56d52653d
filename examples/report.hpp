// SPDX-License-Identifier: BSD-3-Clause
// Prints what a reader received: how many frames, how fast, how old. For the examples only.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>

/// Frames that arrived: their rate and their latency.
class Arrivals {
  public:
    void add(std::chrono::nanoseconds latency) {
        last_ = std::chrono::steady_clock::now();
        if (frames_++ == 0) {
            first_ = last_;
        }
        sum_ += latency;
        most_ = std::max(most_, latency);
    }

    std::uint64_t frames() const { return frames_; }

    /// From the first frame to the last one.
    std::chrono::duration<double> time() const { return last_ - first_; }

    /// Prints "150 frames, 30.0 frames/s, latency 0.09 ms (at most 0.31 ms)".
    void print() const {
        using Milliseconds = std::chrono::duration<double, std::milli>;
        const double rate = frames_ > 1 ? static_cast<double>(frames_ - 1) / time().count() : 0.0;
        const double mean = frames_ > 0 ? Milliseconds(sum_).count() / static_cast<double>(frames_) : 0.0;
        std::printf("%llu frames, %.1f frames/s, latency %.2f ms (at most %.2f ms)",
                    static_cast<unsigned long long>(frames_), rate, mean, Milliseconds(most_).count());
    }

  private:
    std::uint64_t frames_ = 0;
    std::chrono::steady_clock::time_point first_;
    std::chrono::steady_clock::time_point last_;
    std::chrono::nanoseconds sum_{0};
    std::chrono::nanoseconds most_{0};
};

/// Says once a second, and at the end, what arrived.
class Report {
  public:
    /// \param latency from a frame's publication to its arrival
    /// \param mean_byte mean of its pixels' bytes
    void add(std::chrono::nanoseconds latency, double mean_byte) {
        all_.add(latency);
        lately_.add(latency);
        if (lately_.time() >= std::chrono::seconds{1}) {
            lately_.print();
            std::printf(", mean byte %.1f\n", mean_byte);
            lately_ = {};
        }
    }

    std::uint64_t frames() const { return all_.frames(); }

    void finish(std::uint64_t missed) const {
        std::printf("received ");
        all_.print();
        std::printf(", missed %llu\n", static_cast<unsigned long long>(missed));
    }

  private:
    Arrivals all_;
    Arrivals lately_;
};
