// SPDX-License-Identifier: BSD-3-Clause
// Numbers and names as people read them.
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ratio>

namespace ndsharray::cli {

std::string bytes_text(std::uint64_t bytes) {
    constexpr std::array units{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000)
        return fmt::format("{} B", bytes);
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < units.size()) {
        value /= 1000;
        ++unit;
    }
    return value < 99.95 ? fmt::format("{:.1f} {}", value, units[unit])
                         : fmt::format("{:.0f} {}", value, units[unit]);
}

std::string duration_text(std::chrono::nanoseconds duration) {
    const double seconds = std::max(0.0, std::chrono::duration<double>(duration).count());
    if (seconds < 999.5e-6)
        return fmt::format("{:.0f} us", seconds * 1e6);
    if (seconds < 9.95e-3)
        return fmt::format("{:.1f} ms", seconds * 1e3);
    if (seconds < 999.5e-3)
        return fmt::format("{:.0f} ms", seconds * 1e3);
    if (seconds < 99.95)
        return fmt::format("{:.1f} s", seconds);
    if (seconds < 100 * 60)
        return fmt::format("{:.0f} min", seconds / 60);
    if (seconds < 48 * 3600)
        return fmt::format("{:.0f} h", seconds / 3600);
    return fmt::format("{:.0f} d", seconds / 86400);
}

std::string rate_text(double per_second) {
    if (per_second <= 0)
        return "-";
    return per_second < 999.95 ? fmt::format("{:.1f}", per_second) : fmt::format("{:.0f}", per_second);
}

std::string shape_text(const ArraySpec& spec) {
    std::string text = "(";
    for (std::uint32_t i = 0; i < spec.ndim; ++i)
        text += fmt::format("{}{}", i == 0 ? "" : ", ", spec.shape[i]);
    return text + (spec.ndim == 1 ? ",)" : ")");
}

std::string printable(std::string_view text) {
    std::string result(text);
    std::replace_if(
        result.begin(), result.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return result;
}

std::optional<std::chrono::nanoseconds> age_of(const TagInfo& info) {
    if (info.last_published == no_time)
        return std::nullopt;
    return std::chrono::steady_clock::now().time_since_epoch() -
           std::chrono::nanoseconds(info.last_published);
}

std::string_view state_text(const TagInfo& info) {
    return info.alive ? name(info.state) : "dead";
}

}  // namespace ndsharray::cli
