// SPDX-License-Identifier: BSD-3-Clause
// One element of an array as a number.
#include "serve/elements.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace ndsharray::serve {
namespace {

/// IEEE half precision, which C++20 has no type for.
struct Half {
    std::uint16_t bits;
};

double to_double(Half half) {
    const int exponent = half.bits >> 10 & 0x1f;
    const int fraction = half.bits & 0x3ff;
    const double magnitude = exponent == 0x1f ? (fraction != 0 ? NAN : INFINITY)
                             : exponent == 0  ? std::ldexp(fraction, -24)
                                              : std::ldexp(fraction + 1024, exponent - 25);
    return (half.bits & 0x8000) != 0 ? -magnitude : magnitude;
}

template <class T>
double to_double(T number) {
    return static_cast<double>(number);
}

/// What a number takes in an array: a long double is padded to 16 bytes there, whatever it takes in C++.
template <class T>
constexpr std::size_t stored_bytes = std::is_same_v<T, long double> ? 16 : sizeof(T);

template <class T, ByteOrder order>
double read_real(const std::byte* from) {
    if constexpr (std::is_same_v<T, long double>) {
        return to_double(long_double(from, order));
    } else {
        T number;
        copy_native(reinterpret_cast<std::byte*>(&number), from, sizeof number, order);
        return to_double(number);
    }
}

template <class T, ByteOrder order>
double read_magnitude(const std::byte* from) {
    return std::hypot(read_real<T, order>(from), read_real<T, order>(from + stored_bytes<T>));
}

double read_bool(const std::byte* from) {
    return *from != std::byte{0} ? 1 : 0;
}

template <ByteOrder order>
ReadElement reader(DType dtype) {
    switch (dtype) {
        case DType::Int8:
            return read_real<std::int8_t, order>;
        case DType::Int16:
            return read_real<std::int16_t, order>;
        case DType::Int32:
            return read_real<std::int32_t, order>;
        case DType::Int64:
            return read_real<std::int64_t, order>;
        case DType::UInt8:
            return read_real<std::uint8_t, order>;
        case DType::UInt16:
            return read_real<std::uint16_t, order>;
        case DType::UInt32:
            return read_real<std::uint32_t, order>;
        case DType::UInt64:
            return read_real<std::uint64_t, order>;
        case DType::Float16:
            return read_real<Half, order>;
        case DType::Float32:
            return read_real<float, order>;
        case DType::Float64:
            return read_real<double, order>;
        case DType::Float128:
            return read_real<long double, order>;
        case DType::Complex64:
            return read_magnitude<float, order>;
        case DType::Complex128:
            return read_magnitude<double, order>;
        case DType::Complex256:
            return read_magnitude<long double, order>;
        case DType::Bool:
            break;
    }
    return read_bool;
}

}  // namespace

ReadElement element_reader(DType dtype, ByteOrder order) {
    return order == ByteOrder::Little ? reader<ByteOrder::Little>(dtype) : reader<ByteOrder::Big>(dtype);
}

bool is_complex(DType dtype) {
    return dtype == DType::Complex64 || dtype == DType::Complex128 || dtype == DType::Complex256;
}

DType part_of(DType dtype) {
    switch (dtype) {
        case DType::Complex64:
            return DType::Float32;
        case DType::Complex128:
            return DType::Float64;
        case DType::Complex256:
            return DType::Float128;
        default:
            return dtype;
    }
}

long double long_double(const std::byte* from, ByteOrder order) {
    if (std::numeric_limits<long double>::digits == std::numeric_limits<double>::digits)
        return NAN;  // this processor has no such numbers
    std::array<std::byte, stored_bytes<long double>> native{};
    copy_native(native.data(), from, native.size(), order);
    long double number;
    std::memcpy(&number, native.data(), sizeof number);
    return number;
}

void copy_native(std::byte* to, const std::byte* from, std::size_t bytes, ByteOrder order) {
    std::memcpy(to, from, bytes);
    if (order != native_byte_order)
        std::reverse(to, to + bytes);
}

}  // namespace ndsharray::serve
