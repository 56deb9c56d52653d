// SPDX-License-Identifier: BSD-3-Clause
// Reads the arrays under a tag with the core alone: core_read TAG [FRAMES]
#include <ndsharray/ndsharray.hpp>

#include "report.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <span>

namespace {

using ndsharray::ReadStatus;
using namespace std::chrono_literals;

volatile std::sig_atomic_t interrupted = 0;

void on_interrupt(int) {
    interrupted = 1;
}

/// Mean of the array's bytes, padding of rows included.
double mean_byte(const ndsharray::Frame& frame) {
    const std::span<const std::byte> bytes(frame.data(), frame.spec().extent());
    const auto add = [](std::uint64_t sum, std::byte byte) {
        return sum + std::to_integer<std::uint64_t>(byte);
    };
    return static_cast<double>(std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{0}, add)) /
           static_cast<double>(std::max<std::size_t>(bytes.size(), 1));
}

void describe(const ndsharray::Frame& frame) {
    std::printf("%s in %s\n", frame.spec().to_string().c_str(), frame.segment_name().c_str());
}

int read(const char* tag, std::uint64_t frames) {
    Report report;

    ndsharray::Reader reader(tag);
    while (!interrupted && report.frames() < frames) {
        const ndsharray::Frame frame = reader.read(200ms);  // so that Ctrl-C is noticed
        if (frame) {
            const std::chrono::nanoseconds latency = frame.age();
            if (frame.first_of_writer()) {
                describe(frame);
            }
            report.add(latency, mean_byte(frame));
        } else if (frame.status() == ReadStatus::Disconnected) {
            std::printf("the writer left; waiting for the next one\n");
        } else if (frame.status() == ReadStatus::EndOfStream) {
            break;
        } else if (frame.status() == ReadStatus::Failed) {
            throw reader.error();
        }
    }

    report.finish(reader.stats().missed);
    return report.frames() > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2 || argc > 3) {
        std::fprintf(stderr, "usage: core_read TAG [FRAMES]\n");
        return 2;
    }
    std::signal(SIGINT, on_interrupt);
    std::signal(SIGTERM, on_interrupt);
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    std::printf("waiting for %s\n", argv[1]);
    try {
        return read(argv[1], argc == 3 ? std::strtoull(argv[2], nullptr, 10) : UINT64_MAX);
    } catch (const ndsharray::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return EXIT_FAILURE;
    }
}
