// SPDX-License-Identifier: BSD-3-Clause
// The newest frame of a tag, and what is exactly in it: the whole array, or one element.
#include "serve/frames.hpp"

#include <ndsharray/reader.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <string_view>

#include "serve/elements.hpp"

namespace ndsharray::serve {
namespace {

using namespace std::chrono_literals;

/// How long a request waits for the first frame of a tag.
constexpr auto patience = 2s;

/// NumPy's code of each DType, in the order of its values.
constexpr std::array<std::string_view, dtype_count> codes{"i1", "i2", "i4", "i8",  "u1", "u2",  "u4",  "u8",
                                                          "f2", "f4", "f8", "f16", "c8", "c16", "c32", "b1"};

constexpr std::size_t npy_alignment = 64;

nlohmann::ordered_json real(double number) {
    // JSON has no words for these.
    if (std::isnan(number))
        return "nan";
    if (std::isinf(number))
        return number > 0 ? "inf" : "-inf";
    return number;
}

/// Exactly, as text where no double is as exact.
nlohmann::ordered_json long_real(const std::byte* from, ByteOrder order) {
    const long double number = long_double(from, order);
    const auto rounded = static_cast<double>(number);
    if (std::isnan(number) || static_cast<long double>(rounded) == number)
        return real(rounded);
    std::array<char, 64> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    return std::string(text.data(), end);
}

nlohmann::ordered_json real(const std::byte* from, DType dtype, ByteOrder order) {
    return dtype == DType::Float128 ? long_real(from, order) : real(element_reader(dtype, order)(from));
}

template <class Integer>
Integer integer(const std::byte* from, ByteOrder order) {
    Integer number;
    copy_native(reinterpret_cast<std::byte*>(&number), from, sizeof number, order);
    return number;
}

}  // namespace

Frame newest_frame(const std::string& tag, const std::string& owner) {
    Reader reader(tag, {.mode = ReadMode::Latest, .max_leases = 1, .owner = owner});
    const auto end = std::chrono::steady_clock::now() + patience;
    while (true) {
        const auto left = end - std::chrono::steady_clock::now();
        Frame frame = left > 0s ? reader.read(left) : Frame(ReadStatus::Timeout);
        if (frame)
            return frame;
        // The end of a stream, or of a writer, is told after its last frame: another one may follow.
        if (left <= 0s || frame.status() == ReadStatus::Failed)
            throw std::runtime_error("no frame came");
    }
}

std::string npy(const Frame& frame) {
    const ArraySpec& spec = frame.spec();
    const char order = item_size(spec.dtype) == 1 ? '|' : spec.byte_order == ByteOrder::Little ? '<' : '>';
    std::string header = "{'descr': '";
    header += order;
    header += codes.at(static_cast<std::size_t>(spec.dtype));
    header += "', 'fortran_order': False, 'shape': (";
    for (std::uint32_t axis = 0; axis < spec.ndim; ++axis)
        header += std::to_string(spec.shape[axis]) + ",";
    header += "), }";
    constexpr std::string_view start("\x93NUMPY\x01\x00", 8);
    const std::size_t before = start.size() + 2;
    header.append(npy_alignment - (before + header.size() + 1) % npy_alignment, ' ');
    header += '\n';
    std::string text(start);
    text += static_cast<char>(header.size() & 0xff);
    text += static_cast<char>(header.size() >> 8);
    text += header;
    const std::size_t at = text.size();
    text.resize(at + spec.size() * item_size(spec.dtype));
    copy_elements(reinterpret_cast<std::byte*>(text.data() + at), frame.array());
    return text;
}

nlohmann::ordered_json element(const ArrayView& array, const std::vector<std::uint64_t>& index) {
    const ArraySpec& spec = array.spec;
    if (index.size() != spec.ndim)
        throw std::out_of_range("one index for each axis is needed");
    const auto* at = static_cast<const std::byte*>(array.data);
    for (std::uint32_t axis = 0; axis < spec.ndim; ++axis) {
        if (index[axis] >= spec.shape[axis])
            throw std::out_of_range("the index is outside of the array");
        at += static_cast<std::int64_t>(index[axis]) * spec.strides[axis];
    }
    if (is_complex(spec.dtype)) {
        const DType part = part_of(spec.dtype);
        return {real(at, part, spec.byte_order), real(at + item_size(part), part, spec.byte_order)};
    }
    switch (spec.dtype) {
        case DType::Bool:
            return *at != std::byte{0};
        case DType::Int64:
            return integer<std::int64_t>(at, spec.byte_order);
        case DType::UInt64:
            return integer<std::uint64_t>(at, spec.byte_order);
        case DType::Float16:
        case DType::Float32:
        case DType::Float64:
        case DType::Float128:
            return real(at, spec.dtype, spec.byte_order);
        default:
            return static_cast<std::int64_t>(element_reader(spec.dtype, spec.byte_order)(at));
    }
}

}  // namespace ndsharray::serve
