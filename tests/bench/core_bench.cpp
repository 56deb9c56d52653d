// SPDX-License-Identifier: BSD-3-Clause
// What the core costs by itself, without GStreamer and without a second process.
#include <ndsharray/ndsharray.hpp>

#include <benchmark/benchmark.h>

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using ndsharray::ArraySpec;
using ndsharray::DType;
using ndsharray::Frame;
using ndsharray::Reader;
using ndsharray::ReadMode;
using ndsharray::WritableFrame;
using ndsharray::Writer;
using ndsharray::WriterOptions;

constexpr std::uint64_t small_frame = 4096;

std::string new_tag() {
    static unsigned count = 0;
    return "core-bench." + std::to_string(::getpid()) + "." + std::to_string(++count);
}

ArraySpec bytes(std::uint64_t size) {
    const std::uint64_t shape[] = {size};
    return ArraySpec::contiguous(DType::UInt8, shape);
}

WriterOptions slots(unsigned count) {
    WriterOptions options;
    options.slots = count;
    return options;
}

/// A writer of small frames that has published one.
class Tag {
  public:
    explicit Tag(unsigned slot_count = ndsharray::default_slots) : writer(new_tag(), slots(slot_count)) {
        writer.configure(bytes(small_frame));
        publish();
    }

    void publish() {
        WritableFrame frame = writer.acquire();
        frame.data()[0] = std::byte{1};
        benchmark::DoNotOptimize(writer.publish(std::move(frame)));
    }

    Writer writer;
};

void count_bytes(benchmark::State& state, std::uint64_t frame_bytes) {
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(frame_bytes));
}

/// A writer alone: acquire a slot, publish it. Nobody waits, but the kernel is asked to wake whoever might.
void AcquirePublish(benchmark::State& state) {
    Tag tag;
    for ([[maybe_unused]] auto _ : state)
        tag.publish();
}
BENCHMARK(AcquirePublish);

/// A small frame's whole way, in one thread: acquire, publish, read, give back.
void AcquirePublishRead(benchmark::State& state) {
    Tag tag;
    Reader reader(tag.writer.tag());
    for ([[maybe_unused]] auto _ : state) {
        tag.publish();
        const Frame frame = reader.read(1s);
        if (!frame)
            state.SkipWithError("no frame");
        benchmark::DoNotOptimize(frame.data());
    }
}
BENCHMARK(AcquirePublishRead);

/// The writer's share when so many readers are attached, each of which holds a frame.
void AcquirePublishWithReaders(benchmark::State& state) {
    Tag tag(ndsharray::max_slots);
    std::vector<std::unique_ptr<Reader>> readers;
    std::vector<Frame> held;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        readers.push_back(std::make_unique<Reader>(tag.writer.tag()));
        held.push_back(readers.back()->read(1s));
        if (!held.back())
            state.SkipWithError("no frame");
    }
    for ([[maybe_unused]] auto _ : state)
        tag.publish();
}
BENCHMARK(AcquirePublishWithReaders)->Arg(0)->Arg(1)->Arg(4)->Arg(16)->Arg(64);

/// A look for a new frame when there is none.
void ReadNothing(benchmark::State& state) {
    Tag tag;
    Reader reader(tag.writer.tag());
    benchmark::DoNotOptimize(reader.read(1s).data());
    for ([[maybe_unused]] auto _ : state)
        benchmark::DoNotOptimize(reader.read(0ns).status());
}
BENCHMARK(ReadNothing);

/// Writer::write(), which copies; to be compared with Memcpy of as many bytes.
void Write(benchmark::State& state) {
    const auto size = static_cast<std::uint64_t>(state.range(0));
    const std::vector<std::byte> pixels(size, std::byte{1});
    Writer writer(new_tag());
    const ndsharray::ArrayView array{pixels.data(), bytes(size)};
    writer.write(array);
    for ([[maybe_unused]] auto _ : state)
        benchmark::DoNotOptimize(writer.write(array));
    count_bytes(state, size);
}
BENCHMARK(Write)->Arg(small_frame)->Arg(640 * 480)->Arg(1920 * 1080 * 3);

/// A reader that may not hold any slot: it copies, and looks whether the frame is still the same.
void ReadCopy(benchmark::State& state) {
    const auto size = static_cast<std::uint64_t>(state.range(0));
    Writer writer(new_tag());
    writer.configure(bytes(size));
    Reader reader(writer.tag(), {ReadMode::Latest, 0, {}});
    for ([[maybe_unused]] auto _ : state) {
        writer.publish(writer.acquire());
        const Frame frame = reader.read(1s);
        if (!frame || !frame.is_copy())
            state.SkipWithError("no copy");
        benchmark::DoNotOptimize(frame.data());
    }
    count_bytes(state, size);
}
BENCHMARK(ReadCopy)->Arg(small_frame)->Arg(640 * 480)->Arg(1920 * 1080 * 3);

/// The floor of every copy: from one place to as many in turn as a segment has slots.
void Memcpy(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    const std::vector<std::byte> pixels(size, std::byte{1});
    std::vector<std::vector<std::byte>> copies(ndsharray::default_slots, std::vector<std::byte>(size));
    std::size_t place = 0;
    for ([[maybe_unused]] auto _ : state) {
        std::memcpy(copies[place].data(), pixels.data(), size);
        benchmark::ClobberMemory();
        place = (place + 1) % copies.size();
    }
    count_bytes(state, size);
}
BENCHMARK(Memcpy)->Arg(small_frame)->Arg(640 * 480)->Arg(1920 * 1080 * 3);

}  // namespace

BENCHMARK_MAIN();
