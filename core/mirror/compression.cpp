// SPDX-License-Identifier: BSD-3-Clause
#include "compression.hpp"

#include "wire.hpp"

#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace ndsharray::mirror {
namespace {

constexpr int level = 1;

/// A number from its little-endian bytes, on any machine.
template <typename Number>
Number load(const std::byte* bytes) {
    Number number;
    std::memcpy(&number, bytes, sizeof number);
    if constexpr (std::endian::native == std::endian::big && sizeof(Number) > 1) {
        Number swapped = 0;
        for (std::size_t i = 0; i < sizeof number; ++i)
            swapped = static_cast<Number>(swapped << 8 | (number >> (8 * i) & 0xff));
        return swapped;
    }
    return number;
}

template <typename Number>
void store(std::byte* bytes, Number number) {
    const Number ordered = load<Number>(reinterpret_cast<const std::byte*>(&number));
    std::memcpy(bytes, &ordered, sizeof ordered);
}

/// A small difference, whatever its sign, becomes a small number: 0, -1, 1, -2 become 0, 1, 2, 3.
template <typename Number>
Number fold(Number difference) {
    constexpr int top = 8 * sizeof(Number) - 1;
    const Number sign = static_cast<Number>(0 - (difference >> top));
    return static_cast<Number>(static_cast<Number>(difference << 1) ^ sign);
}

template <typename Number>
Number unfold(Number folded) {
    return static_cast<Number>((folded >> 1) ^ static_cast<Number>(0 - (folded & 1)));
}

template <typename Number>
void filter_numbers(std::span<std::byte> to, std::span<const std::byte> from, std::size_t step) {
    constexpr std::size_t width = sizeof(Number);
    const std::size_t count = from.size() / width;
    for (std::size_t i = 0; i < count; ++i) {
        const Number before = i < step ? Number{0} : load<Number>(&from[(i - step) * width]);
        const Number folded = fold(static_cast<Number>(load<Number>(&from[i * width]) - before));
        for (std::size_t plane = 0; plane < width; ++plane)
            to[plane * count + i] = static_cast<std::byte>(folded >> (8 * plane) & 0xff);
    }
    std::copy(from.begin() + static_cast<std::ptrdiff_t>(count * width), from.end(),
              to.begin() + static_cast<std::ptrdiff_t>(count * width));
}

template <typename Number>
void unfilter_numbers(std::span<std::byte> to, std::span<const std::byte> from, std::size_t step) {
    constexpr std::size_t width = sizeof(Number);
    const std::size_t count = from.size() / width;
    for (std::size_t i = 0; i < count; ++i) {
        Number folded = 0;
        for (std::size_t plane = 0; plane < width; ++plane)
            folded |= static_cast<Number>(Number{static_cast<std::uint8_t>(from[plane * count + i])}
                                          << (8 * plane));
        const Number before = i < step ? Number{0} : load<Number>(&to[(i - step) * width]);
        store(&to[i * width], static_cast<Number>(unfold(folded) + before));
    }
    std::copy(from.begin() + static_cast<std::ptrdiff_t>(count * width), from.end(),
              to.begin() + static_cast<std::ptrdiff_t>(count * width));
}

/// Calls one of the two with a number of the elements' width.
template <typename Call>
void with_number(std::size_t width, Call call) {
    switch (width) {
        case 1:
            return call(std::uint8_t{});
        case 2:
            return call(std::uint16_t{});
        case 4:
            return call(std::uint32_t{});
        default:
            return call(std::uint64_t{});
    }
}

}  // namespace

Neighbours neighbours_of(const ArraySpec& spec) {
    Neighbours neighbours;
    neighbours.width = std::min<std::size_t>(item_size(spec.dtype), 8);
    const std::uint64_t last = spec.ndim >= 2 ? spec.shape[spec.ndim - 1] : 1;
    neighbours.step = last >= 2 && last <= 4 ? static_cast<std::size_t>(last) : 1;  // of one colour
    return neighbours;
}

void filter(std::span<std::byte> to, std::span<const std::byte> from, const Neighbours& neighbours) {
    with_number(neighbours.width,
                [&]<typename Number>(Number) { filter_numbers<Number>(to, from, neighbours.step); });
}

void unfilter(std::span<std::byte> to, std::span<const std::byte> from, const Neighbours& neighbours) {
    with_number(neighbours.width,
                [&]<typename Number>(Number) { unfilter_numbers<Number>(to, from, neighbours.step); });
}

Compressor::Compressor() : context_(ZSTD_createCCtx()) {
    if (context_ == nullptr)
        throw std::bad_alloc();
    filtered_.resize(max_chunk_bytes);
    compressed_.resize(max_chunk_bytes);
}

void Compressor::Free::operator()(ZSTD_CCtx_s* context) const {
    ZSTD_freeCCtx(context);
}

std::span<const std::byte> Compressor::compress(std::span<const std::byte> part,
                                                const Neighbours& neighbours) {
    if (part.size() > max_chunk_bytes)
        return {};
    const std::span<std::byte> filtered = std::span(filtered_).first(part.size());
    filter(filtered, part, neighbours);
    const std::size_t bytes =
        ZSTD_compressCCtx(context_.get(), compressed_.data(), part.size() - (part.empty() ? 0 : 1),
                          filtered.data(), filtered.size(), level);
    if (ZSTD_isError(bytes))
        return {};  // no room: it would not be fewer
    return std::span(compressed_).first(bytes);
}

Decompressor::Decompressor() : context_(ZSTD_createDCtx()) {
    if (context_ == nullptr)
        throw std::bad_alloc();
    filtered_.resize(max_chunk_bytes);
}

void Decompressor::Free::operator()(ZSTD_DCtx_s* context) const {
    ZSTD_freeDCtx(context);
}

bool Decompressor::decompress(std::span<std::byte> part, std::span<const std::byte> bytes,
                              const Neighbours& neighbours) {
    if (part.size() > max_chunk_bytes)
        return false;
    const std::span<std::byte> filtered = std::span(filtered_).first(part.size());
    const std::size_t got =
        ZSTD_decompressDCtx(context_.get(), filtered.data(), filtered.size(), bytes.data(), bytes.size());
    if (ZSTD_isError(got) || got != part.size())
        return false;
    unfilter(part, filtered, neighbours);
    return true;
}

}  // namespace ndsharray::mirror
