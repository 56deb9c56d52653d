// SPDX-License-Identifier: BSD-3-Clause
// Which lossless compression suits `ndsh mirror --compress`: zstd and lz4, with and without the filter of the
// mirror, on a screen recording, on photographs, and on the 16-bit pictures of a thermal camera. In one
// thread, in parts of an array as the mirror has them.
#include <compression.hpp>
#include <wire.hpp>

#include <benchmark/benchmark.h>

#include <lz4.h>
#include <lz4hc.h>
#include <zstd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace ndsharray;
using namespace ndsharray::mirror;

using Bytes = std::vector<std::byte>;

/// Of an array in memory, without gaps.
struct Picture {
    std::string name;
    ArraySpec spec;
    Bytes bytes;
};

/// One picture of a file, as GStreamer decodes it.
Bytes decode(const std::string& elements, std::size_t size) {
    const std::string command = "gst-launch-1.0 -q filesrc location=" + elements + " ! fdsink";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    Bytes bytes(size);
    if (!pipe || std::fread(bytes.data(), 1, size, pipe.get()) != size)
        throw std::runtime_error("no picture from: " + command);
    char rest[4096];
    while (std::fread(rest, 1, sizeof rest, pipe.get()) > 0) {
    }
    return bytes;
}

constexpr std::uint64_t height = 1080, width = 1920;

/// Debian's gnome-user-docs.
Bytes screen() {
    return decode(
        "/usr/share/help/C/gnome-help/figures/display-dual-monitors.webm ! matroskademux ! vp8dec ! "
        "identity eos-after=2 ! videoconvert ! video/x-raw,format=RGB",
        std::size_t{1024} * 768 * 3);
}

/// Debian's mate-backgrounds.
Bytes photograph(const std::string& format, std::size_t size) {
    return decode(
        "/usr/share/backgrounds/mate/nature/LadyBird.jpg ! jpegdec ! videoconvert ! videoscale "
        "add-borders=false ! video/x-raw,format=" +
            format + ",width=1920,height=1080,pixel-aspect-ratio=1/1",
        size);
}

template <typename Number>
Bytes with_noise(const Bytes& from, double sigma) {
    std::mt19937 random(1);
    std::normal_distribution<double> noise(0, sigma);
    Bytes bytes(from.size());
    for (std::size_t i = 0; i < from.size(); i += sizeof(Number)) {
        Number number;
        std::memcpy(&number, &from[i], sizeof number);
        const double most = std::numeric_limits<Number>::max();
        number = static_cast<Number>(std::clamp(std::round(number + noise(random)), 0.0, most));
        std::memcpy(&bytes[i], &number, sizeof number);
    }
    return bytes;
}

/// 640x512, a hundredth of a kelvin each: a blurred photograph from 15 to 35 degrees, and noise of 0.05 K.
Bytes thermal() {
    constexpr std::size_t rows = 512, columns = 640;
    const Bytes gray = photograph("GRAY8", std::size_t{height} * width);
    Bytes bytes(rows * columns * 2);
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t column = 0; column < columns; ++column) {
            unsigned sum = 0;
            for (std::size_t pixel = 0; pixel < 16; ++pixel)
                sum +=
                    std::to_integer<unsigned>(gray[(row * 2 + pixel / 4) * width + column * 2 + pixel % 4]);
            const auto value = static_cast<std::uint16_t>(28815 + sum * 2000 / (16 * 255));
            std::memcpy(&bytes[(row * columns + column) * 2], &value, 2);
        }
    }
    return with_noise<std::uint16_t>(bytes, 5);
}

std::vector<Picture> pictures() {
    const std::uint64_t screen_shape[] = {768, 1024, 3}, rgb[] = {height, width, 3},
                        nv12[] = {height * 3 / 2, width}, infrared[] = {512, 640};
    const auto of = [](const char* name, DType dtype, std::span<const std::uint64_t> shape, Bytes bytes) {
        return Picture{name, ArraySpec::contiguous(dtype, shape), std::move(bytes)};
    };
    const Bytes photo = photograph("RGB", height * width * 3);
    std::vector<Picture> all;
    all.push_back(of("screen recording, RGB", DType::UInt8, screen_shape, screen()));
    all.push_back(of("photograph, RGB", DType::UInt8, rgb, photo));
    all.push_back(of("photograph with noise, RGB", DType::UInt8, rgb, with_noise<std::uint8_t>(photo, 2)));
    all.push_back(of("photograph with noise, NV12", DType::UInt8, nv12,
                     with_noise<std::uint8_t>(photograph("NV12", height * width * 3 / 2), 2)));
    all.push_back(of("thermal, 16 bit", DType::UInt16, infrared, thermal()));
    return all;
}

/// Both give the bytes that they wrote, 0 if these are too many.
struct Codec {
    std::string name;
    std::function<std::size_t(std::span<std::byte>, std::span<const std::byte>)> compress;
    std::function<std::size_t(std::span<std::byte>, std::span<const std::byte>)> decompress;
};

Codec zstd(int level) {
    const std::shared_ptr<ZSTD_CCtx> to(ZSTD_createCCtx(), ZSTD_freeCCtx);
    const std::shared_ptr<ZSTD_DCtx> from(ZSTD_createDCtx(), ZSTD_freeDCtx);
    const auto or_none = [](std::size_t bytes) { return ZSTD_isError(bytes) ? 0 : bytes; };
    return {
        "zstd " + std::to_string(level),
        [=](auto out, auto in) {
            return or_none(ZSTD_compressCCtx(to.get(), out.data(), out.size(), in.data(), in.size(), level));
        },
        [=](auto out, auto in) {
            return or_none(ZSTD_decompressDCtx(from.get(), out.data(), out.size(), in.data(), in.size()));
        }};
}

const char* chars(std::span<const std::byte> bytes) {
    return reinterpret_cast<const char*>(bytes.data());
}

char* chars(std::span<std::byte> bytes) {
    return reinterpret_cast<char*>(bytes.data());
}

int size(std::span<const std::byte> bytes) {
    return static_cast<int>(bytes.size());
}

std::size_t lz4_decompress(std::span<std::byte> out, std::span<const std::byte> in) {
    return static_cast<std::size_t>(
        std::max(0, LZ4_decompress_safe(chars(in), chars(out), size(in), size(out))));
}

Codec lz4() {
    return {
        "lz4",
        [](auto out, auto in) {
            return static_cast<std::size_t>(LZ4_compress_default(chars(in), chars(out), size(in), size(out)));
        },
        lz4_decompress};
}

Codec lz4hc(int level) {
    return {"lz4hc " + std::to_string(level),
            [=](auto out, auto in) {
                return static_cast<std::size_t>(
                    LZ4_compress_HC(chars(in), chars(out), size(in), size(out), level));
            },
            lz4_decompress};
}

/// A part of a picture, and what became of it; as it is where it did not get smaller.
struct Part {
    std::span<const std::byte> bytes;
    Bytes compressed;
};

class Compression {
  public:
    Compression(const Picture& picture, Codec codec, bool filtered)
        : picture_(picture), codec_(std::move(codec)), filtered_(filtered) {}

    std::span<const std::byte> compress(std::span<const std::byte> part) {
        std::span<const std::byte> from = part;
        if (filtered_) {
            filter(std::span(filter_room_).first(part.size()), part, neighbours_);
            from = std::span(filter_room_).first(part.size());
        }
        const std::size_t bytes = codec_.compress(std::span(room_).first(part.size() - 1), from);
        return bytes > 0 ? std::span<const std::byte>(room_).first(bytes) : part;
    }

    void decompress(std::span<std::byte> to, const Part& part) {
        if (part.compressed.size() == part.bytes.size()) {
            std::copy(part.compressed.begin(), part.compressed.end(), to.begin());
            return;
        }
        const std::span<std::byte> out = filtered_ ? std::span(filter_room_).first(to.size()) : to;
        if (codec_.decompress(out, part.compressed) != to.size())
            throw std::runtime_error("not decompressed");
        if (filtered_)
            unfilter(to, out, neighbours_);
    }

    std::vector<Part> parts() {
        std::vector<Part> parts;
        for (std::size_t at = 0; at < picture_.bytes.size(); at += max_chunk_bytes) {
            const std::size_t bytes = std::min(max_chunk_bytes, picture_.bytes.size() - at);
            const std::span<const std::byte> part = std::span(picture_.bytes).subspan(at, bytes);
            const auto compressed = compress(part);
            parts.push_back({part, {compressed.begin(), compressed.end()}});
        }
        return parts;
    }

  private:
    const Picture& picture_;
    Codec codec_;
    bool filtered_;
    Neighbours neighbours_ = neighbours_of(picture_.spec);
    Bytes filter_room_ = Bytes(max_chunk_bytes);
    Bytes room_ = Bytes(max_chunk_bytes);
};

void compress(benchmark::State& state, const Picture& picture, const Codec& codec, bool filtered) {
    Compression compression(picture, codec, filtered);
    const std::vector<Part> parts = compression.parts();
    std::size_t bytes = 0;
    for (const Part& part : parts)
        bytes += part.compressed.size();
    for ([[maybe_unused]] auto _ : state) {
        for (const Part& part : parts)
            benchmark::DoNotOptimize(compression.compress(part.bytes).data());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(picture.bytes.size()));
    state.counters["ratio"] = static_cast<double>(picture.bytes.size()) / static_cast<double>(bytes);
}

void decompress(benchmark::State& state, const Picture& picture, const Codec& codec, bool filtered) {
    Compression compression(picture, codec, filtered);
    const std::vector<Part> parts = compression.parts();
    Bytes room(max_chunk_bytes);
    for (const Part& part : parts) {
        compression.decompress(std::span(room).first(part.bytes.size()), part);
        if (!std::equal(part.bytes.begin(), part.bytes.end(), room.begin()))
            throw std::runtime_error("another picture came back");
    }
    for ([[maybe_unused]] auto _ : state) {
        for (const Part& part : parts) {
            compression.decompress(std::span(room).first(part.bytes.size()), part);
            benchmark::DoNotOptimize(room.data());
        }
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(picture.bytes.size()));
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    const std::vector<Picture> all = pictures();
    for (const Picture& picture : all) {
        for (const Codec& codec : {lz4(), lz4hc(3), zstd(-3), zstd(1), zstd(3)}) {
            for (const bool filtered : {false, true}) {
                const std::string name = picture.name + "/" + codec.name + (filtered ? ", filtered" : "");
                benchmark::RegisterBenchmark((name + "/compress").c_str(), compress, picture, codec,
                                             filtered);
                benchmark::RegisterBenchmark((name + "/decompress").c_str(), decompress, picture, codec,
                                             filtered);
            }
        }
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
