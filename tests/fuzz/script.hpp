// SPDX-License-Identifier: BSD-3-Clause
// An input as a sequence of numbers: whatever its bytes are, they mean something.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace ndsharray::fuzz {

class Script {
  public:
    Script(const std::uint8_t* data, std::size_t bytes) : rest_(data, bytes) {}

    bool is_at_end() const noexcept { return rest_.empty(); }

    /// The next number; what is beyond the end is zeros.
    template <typename Number>
    Number get() noexcept {
        Number number = 0;
        const std::size_t bytes = std::min(sizeof number, rest_.size());
        std::memcpy(&number, rest_.data(), bytes);
        rest_ = rest_.subspan(bytes);
        return number;
    }

    /// The next number, from 0 to below `count`.
    unsigned below(unsigned count) noexcept { return get<std::uint8_t>() % count; }

    bool flip() noexcept { return below(2) != 0; }

    /// At most so many of the next bytes.
    std::span<const std::uint8_t> bytes(std::size_t most) noexcept {
        const auto taken = rest_.first(std::min(most, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }

  private:
    std::span<const std::uint8_t> rest_;
};

}  // namespace ndsharray::fuzz
