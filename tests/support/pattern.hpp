// SPDX-License-Identifier: BSD-3-Clause
// Pixels that tell which frame they belong to: each word depends on its place and on a key of the frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ndsharray::test {

/// The word at `index` of pattern `key`: differs between patterns and between places.
constexpr std::uint64_t pattern_word(std::uint64_t key, std::uint64_t index) {
    std::uint64_t x = key * 0x9e3779b97f4a7c15U + index * 0xd1342543de82ef95U;
    x ^= x >> 32;
    x *= 0xbf58476d1ce4e5b9U;
    return x ^ x >> 29;
}

/// Writes the pattern of this key.
void fill_pattern(std::span<std::byte> pixels, std::uint64_t key);

/// Whether every byte is that of the pattern of this key.
bool has_pattern(std::span<const std::byte> pixels, std::uint64_t key);

}  // namespace ndsharray::test
