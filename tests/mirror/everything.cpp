// SPDX-License-Identifier: BSD-3-Clause
// Writes frames in which every field has a value, of many layouts; and prints frames with all that they hold,
// so that a tag and its mirror can be compared.
#include <long_double.hpp>
#include <place.hpp>

#include <ndsharray/ndsharray.hpp>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

namespace {

using namespace ndsharray;

std::vector<ArraySpec> layouts() {
    using Shape = std::vector<std::uint64_t>;
    std::vector<ArraySpec> all;
    for (std::uint32_t dtype = 0; dtype < dtype_count; ++dtype)
        all.push_back(ArraySpec::contiguous(static_cast<DType>(dtype), Shape{3, dtype + 1}));
    all.push_back(ArraySpec::contiguous(DType::UInt16, Shape{5}, ByteOrder::Big));
    all.push_back(ArraySpec::contiguous(DType::Float64, Shape{}));
    all.push_back(ArraySpec::contiguous(DType::UInt8, Shape{4, 0, 2}));
    const Shape rows{5, 7, 3};
    const std::int64_t padded[] = {32, 3, 1};
    all.push_back(ArraySpec::strided(DType::UInt8, rows, padded, 200));
    all.push_back(ArraySpec::contiguous(DType::UInt8, Shape{1080, 1001, 3}));
    all.push_back(ArraySpec::contiguous(DType::UInt16, Shape{512, 640}));
    all.push_back(ArraySpec::contiguous(DType::Float32, Shape(32, 1)));
    return all;
}

void publish(Writer& writer, std::uint64_t step) {
    static const std::vector<ArraySpec> all = layouts();
    const ArraySpec& spec = all[step / 2 % all.size()];
    writer.configure(spec, {{"caps", "video/x-raw, format=(string)" + std::to_string(step / 2)},
                            {"odd \n key", std::string("\0x", 2)}});
    WritableFrame frame = writer.acquire();
    for (std::uint64_t i = 0; i < spec.bytes; ++i)
        frame.data()[i] = static_cast<std::byte>((i * 7 >> 3) + step);
    FrameInfo info;
    info.pts = info.dts = std::chrono::steady_clock::now().time_since_epoch().count();
    info.stream_pts = static_cast<std::int64_t>(step) * 33;
    info.stream_dts = step % 3 == 0 ? no_time : -static_cast<std::int64_t>(step);
    info.duration = 33;
    info.offset = step;
    info.offset_end = step % 2 == 0 ? no_offset : step + 1;
    info.flags = 0x80000000U | static_cast<std::uint32_t>(step);
    const std::string metadata =
        step % 4 == 0 ? "" : std::string("meta\0", 5) + std::string(step * 10 % 8000, 'm');
    writer.publish(std::move(frame), info, std::as_bytes(std::span(metadata)));
}

int write(const std::string& tag) {
    WriterOptions options;
    options.backpressure = true;
    options.metadata_capacity = 8192;
    std::optional<Writer> writer;
    std::uint64_t step = 0;
    for (std::string command; std::cin >> command;) {
        if (!writer)
            writer.emplace(tag, options);
        if (command == "publish") {
            unsigned count = 0;
            std::cin >> count;
            while (count-- > 0)
                publish(*writer, step++);
        } else if (command == "end") {
            writer->drain();
            writer->end_of_stream();
        } else if (command == "close") {
            writer->drain();
            writer.reset();
        } else if (command == "reader") {
            writer->wait_for_reader();
        }
        std::puts("done");
        std::fflush(stdout);
    }
    return 0;
}

void print(const Frame& frame) {
    const ArraySpec& spec = frame.spec();
    const FrameInfo& info = frame.info();
    std::string line = std::to_string(info.number) + " missed " + std::to_string(frame.missed()) + " " +
                       spec.to_string() + (spec.byte_order == ByteOrder::Big ? " big" : " little") +
                       " strides";
    for (std::uint32_t i = 0; i < spec.ndim; ++i)
        line += " " + std::to_string(spec.strides[i]);
    line += " bytes " + std::to_string(spec.bytes) + " info";
    for (const std::int64_t time : {info.stream_pts, info.stream_dts, info.duration})
        line += " " + std::to_string(time);
    line += " " + std::to_string(info.offset) + " " + std::to_string(info.offset_end) + " " +
            std::to_string(info.flags);
    std::string attributes;
    for (const auto& [key, value] : frame.attributes())
        if (key != mirror::route_attribute && key != mirror::long_double_attribute)
            attributes += key + "=" + value + ";";
    const auto text = [](std::span<const std::byte> bytes) {
        return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
    line += " attributes " + std::to_string(mirror::digest(attributes));
    line += " metadata " + std::to_string(mirror::digest(text(frame.metadata())));
    line += " array " +
            std::to_string(mirror::digest(text({frame.data(), static_cast<std::size_t>(spec.bytes)})));
    std::puts(line.c_str());
}

/// Until the writer leaves; "attached" comes first.
int read(const std::string& tag) {
    ReaderOptions options;
    options.mode = ReadMode::Every;
    Reader reader(tag, options);
    bool told = false;
    for (;;) {
        const Frame frame = reader.read(std::chrono::milliseconds(20));
        if (reader.attached() && !told) {
            told = true;
            std::puts("attached");
        }
        if (frame)
            print(frame);
        else if (frame.status() != ReadStatus::Timeout)
            std::puts(std::string(name(frame.status())).c_str());
        std::fflush(stdout);
        if (frame.status() == ReadStatus::Disconnected)
            return 0;
        if (frame.status() == ReadStatus::Failed)
            return 1;
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3)
        return 2;
    return std::string(argv[1]) == "write" ? write(argv[2]) : read(argv[2]);
}
