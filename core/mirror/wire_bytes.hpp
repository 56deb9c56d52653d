// SPDX-License-Identifier: BSD-3-Clause
// Bytes of the messages between ndsh share and ndsh mirror.
#pragma once

#include "wire.hpp"

#include <ndsharray/tag.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ndsharray::mirror {

[[noreturn]] inline void malformed(const std::string& what) {
    throw WireError(Refusal::Malformed, "not a message of ndsh mirror: " + what);
}

/// Numbers are little-endian, a text has its length as u16 before it.
class ByteWriter {
  public:
    template <typename Number>
    void number(Number value) {
        using Unsigned = std::make_unsigned_t<Number>;
        const auto bits = static_cast<Unsigned>(value);
        for (std::size_t i = 0; i < sizeof value; ++i)
            bytes_.push_back(static_cast<char>(static_cast<std::uint64_t>(bits) >> (8 * i) & 0xff));
    }
    void text(std::string_view text) {
        number(static_cast<std::uint16_t>(text.size()));
        bytes_ += text;
    }
    void raw(std::string_view bytes) { bytes_ += bytes; }
    std::string take() { return std::move(bytes_); }

  private:
    std::string bytes_;
};

/// Reads bytes of another machine. \throws WireError: there are too few of them, or they do not fit.
class ByteReader {
  public:
    explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    std::string_view raw(std::uint64_t count) {
        if (count > bytes_.size())
            malformed("it ends too early");
        const std::string_view taken(reinterpret_cast<const char*>(bytes_.data()),
                                     static_cast<std::size_t>(count));
        bytes_ = bytes_.subspan(static_cast<std::size_t>(count));
        return taken;
    }
    template <typename Number>
    Number number() {
        std::uint64_t value = 0;
        const std::string_view bytes = raw(sizeof(Number));
        for (std::size_t i = 0; i < sizeof(Number); ++i)
            value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
        return static_cast<Number>(value);
    }
    /// A number up to `most`.
    template <typename Number>
    Number up_to(Number most, const char* name) {
        const auto value = number<Number>();
        if (value > most)
            malformed(std::string(name) + " is too large");
        return value;
    }
    template <typename Enum>
    Enum one_of(Enum last, const char* name) {
        return static_cast<Enum>(up_to<std::uint32_t>(static_cast<std::uint32_t>(last), name));
    }
    std::string text(std::size_t most, const char* name) {
        const auto length = number<std::uint16_t>();
        if (length > most)
            malformed(std::string(name) + " is too long");
        std::string text(raw(length));
        if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }))
            malformed(std::string(name) + " is not printable");
        return text;
    }
    std::string tag() {
        std::string tag = text(max_tag_length, "the tag");
        if (const std::string problem = tag_problem(tag); !problem.empty())
            malformed(problem);
        return tag;
    }
    std::size_t left() const { return bytes_.size(); }

  private:
    std::span<const std::byte> bytes_;
};

}  // namespace ndsharray::mirror
