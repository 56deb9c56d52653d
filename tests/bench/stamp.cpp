// SPDX-License-Identifier: BSD-3-Clause
// What a measured frame carries: a stamp in its first bytes, and a pattern that tells whether it is whole.
#include "stamp.hpp"

#include <time.h>

#include <algorithm>
#include <cstring>
#include <numeric>

namespace ndsharray::bench {
namespace {

/// Differs in every byte from that of the frames before and after.
std::uint64_t pattern(std::uint64_t index) noexcept {
    return (index % 251 + 1) * 0x0101010101010101;
}

/// The frame behind the stamp, as words.
template <class Word, class Byte>
std::span<Word> words(std::span<Byte> frame) noexcept {
    return {reinterpret_cast<Word*>(frame.data() + sizeof(Stamp)), (frame.size() - sizeof(Stamp)) / 8};
}

}  // namespace

std::int64_t now() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

void write_stamp(std::span<std::byte> frame, const Stamp& stamp) noexcept {
    std::memcpy(frame.data(), &stamp, sizeof stamp);
}

Stamp read_stamp(std::span<const std::byte> frame) noexcept {
    Stamp stamp;
    std::memcpy(&stamp, frame.data(), sizeof stamp);
    return stamp;
}

void fill(std::span<std::byte> frame, std::uint64_t index) noexcept {
    std::ranges::fill(words<std::uint64_t>(frame), pattern(index));
}

bool is_filled(std::span<const std::byte> frame, std::uint64_t index) noexcept {
    const auto all = words<const std::uint64_t>(frame);
    return std::reduce(all.begin(), all.end(), std::uint64_t{0}) == all.size() * pattern(index);
}

}  // namespace ndsharray::bench
