// SPDX-License-Identifier: BSD-3-Clause
// Numbers and strings as bytes. Writing stops where the area is full. Reading trusts nothing.
#pragma once

#include <glib.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace ndsharray::gst {

/// Writes into an area that the caller owns. When something does not fit, nothing more is written, and
/// is_full() is true.
class ByteWriter {
  public:
    explicit ByteWriter(std::span<std::byte> area) : area_(area) {}

    template <class Number>
    void put(Number number) {
        static_assert(std::is_arithmetic_v<Number>);
        put_bytes(std::as_bytes(std::span(&number, 1)));
    }

    void put_bytes(std::span<const std::byte> bytes) {
        full_ = full_ || bytes.size() > area_.size() - size_;
        if (!full_ && !bytes.empty()) {
            std::memcpy(area_.data() + size_, bytes.data(), bytes.size());
            size_ += bytes.size();
        }
    }

    /// Writes the length of the text, then its bytes.
    void put_text(std::string_view text) {
        put(static_cast<std::uint32_t>(text.size()));
        put_bytes(std::as_bytes(std::span(text)));
    }

    /// Writes over a number that was written before.
    template <class Number>
    void replace(std::size_t position, Number number) {
        std::memcpy(area_.data() + position, &number, sizeof number);
    }

    /// Removes everything after the first `size` bytes.
    void take_back(std::size_t size) {
        size_ = size;
        full_ = false;
    }

    std::size_t size() const { return size_; }
    bool is_full() const { return full_; }
    std::span<const std::byte> written() const { return area_.first(size_); }

  private:
    std::span<std::byte> area_;
    std::size_t size_ = 0;
    bool full_ = false;
};

/// The bytes do not have the expected form.
struct DamagedBytes : std::exception {
    const char* what() const noexcept override { return "damaged metadata"; }
};

/// Reads bytes of any origin. They must not change meanwhile. A function that would read past their end
/// throws DamagedBytes.
class ByteReader {
  public:
    explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    bool is_at_end() const { return bytes_.empty(); }

    template <class Number>
    Number get() {
        static_assert(std::is_arithmetic_v<Number>);
        Number number;
        std::memcpy(&number, get_bytes(sizeof number).data(), sizeof number);
        return number;
    }

    std::span<const std::byte> get_bytes(std::size_t count) {
        if (count > bytes_.size()) {
            throw DamagedBytes();
        }
        const auto result = bytes_.first(count);
        bytes_ = bytes_.subspan(count);
        return result;
    }

    std::span<const std::byte> get_rest() { return get_bytes(bytes_.size()); }

    /// Reads a text. It is UTF-8 without a zero byte, as the functions of GLib need it.
    std::string get_text() {
        const auto bytes = get_bytes(get<std::uint32_t>());
        if (bytes.empty()) {
            return {};
        }
        const char* text = reinterpret_cast<const char*>(bytes.data());
        if (!g_utf8_validate(text, static_cast<gssize>(bytes.size()), nullptr)) {
            throw DamagedBytes();  // a zero byte is not valid, either
        }
        return {text, bytes.size()};
    }

  private:
    std::span<const std::byte> bytes_;
};

}  // namespace ndsharray::gst
