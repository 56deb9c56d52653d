// SPDX-License-Identifier: BSD-3-Clause
// Publishes a moving pattern under a tag with the core alone: core_publish TAG [FRAMES]
#include <ndsharray/ndsharray.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <thread>
#include <utility>

namespace {

constexpr std::array<std::uint64_t, 3> shape{720, 1280, 3};  // height, width, RGB
constexpr std::chrono::nanoseconds frame_time = std::chrono::nanoseconds{std::chrono::seconds{1}} / 30;

volatile std::sig_atomic_t interrupted = 0;

void on_interrupt(int) {
    interrupted = 1;
}

/// Rows from dark to light, again and again, that move up by one row per frame.
void paint(std::span<std::byte> pixels, std::uint64_t step) {
    constexpr std::uint64_t row_bytes = shape[1] * shape[2];
    for (std::uint64_t y = 0; y < shape[0]; ++y) {
        std::memset(pixels.subspan(y * row_bytes).data(), static_cast<std::uint8_t>(y + step), row_bytes);
    }
}

int publish(const char* tag, std::uint64_t frames) {
    ndsharray::Writer writer(tag);
    writer.configure(ndsharray::ArraySpec::contiguous(ndsharray::DType::UInt8, shape));

    auto next = std::chrono::steady_clock::now();
    for (std::uint64_t step = 0; step < frames && !interrupted; ++step) {
        if (ndsharray::WritableFrame frame = writer.acquire()) {
            paint({frame.data(), frame.spec().bytes}, step);
            writer.publish(std::move(frame));
        }
        next += frame_time;
        std::this_thread::sleep_until(next);
    }
    writer.end_of_stream();

    const ndsharray::WriterStats stats = writer.stats();
    std::printf("published %llu, dropped %llu, readers %u\n",
                static_cast<unsigned long long>(stats.published),
                static_cast<unsigned long long>(stats.dropped), stats.readers);
    return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2 || argc > 3) {
        std::fprintf(stderr, "usage: core_publish TAG [FRAMES]\n");
        return 2;
    }
    std::signal(SIGINT, on_interrupt);
    std::signal(SIGTERM, on_interrupt);
    try {
        return publish(argv[1], argc == 3 ? std::strtoull(argv[2], nullptr, 10) : UINT64_MAX);
    } catch (const ndsharray::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return EXIT_FAILURE;
    }
}
