// SPDX-License-Identifier: BSD-3-Clause
// Numbers and names as people read them.
#pragma once

#include <ndsharray/array.hpp>
#include <ndsharray/tag_info.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ndsharray::cli {

/// "24.9 MB": bytes in decimal units.
std::string bytes_text(std::uint64_t bytes);

/// "35 us", "12 ms", "3.4 s", "5 min", "2 h", "3 d".
std::string duration_text(std::chrono::nanoseconds duration);

/// "29.9"; "-" for none.
std::string rate_text(double per_second);

/// "(1080, 1920, 3)".
std::string shape_text(const ArraySpec& spec);

/// With everything that is not printable ASCII replaced: what others wrote into shared memory must not get at
/// the terminal.
std::string printable(std::string_view text);

/// "s" unless it is one.
constexpr std::string_view plural(std::uint64_t count) noexcept {
    return count == 1 ? "" : "s";
}

/// Time since the tag's last frame, if there was one.
std::optional<std::chrono::nanoseconds> age_of(const TagInfo& info);

/// "live", "ended", "starting", "closed", or "dead" where the writer is.
std::string_view state_text(const TagInfo& info);

}  // namespace ndsharray::cli
