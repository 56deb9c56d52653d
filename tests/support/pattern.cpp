// SPDX-License-Identifier: BSD-3-Clause
#include "pattern.hpp"

#include <algorithm>
#include <cstring>

namespace ndsharray::test {

void fill_pattern(std::span<std::byte> pixels, std::uint64_t key) {
    for (std::size_t offset = 0; offset < pixels.size(); offset += sizeof(std::uint64_t)) {
        const std::uint64_t word = pattern_word(key, offset / sizeof(std::uint64_t));
        std::memcpy(pixels.data() + offset, &word, std::min(sizeof word, pixels.size() - offset));
    }
}

bool has_pattern(std::span<const std::byte> pixels, std::uint64_t key) {
    for (std::size_t offset = 0; offset < pixels.size(); offset += sizeof(std::uint64_t)) {
        const std::uint64_t word = pattern_word(key, offset / sizeof(std::uint64_t));
        if (std::memcmp(pixels.data() + offset, &word, std::min(sizeof word, pixels.size() - offset)) != 0)
            return false;
    }
    return true;
}

}  // namespace ndsharray::test
