// SPDX-License-Identifier: BSD-3-Clause
// One line on the terminal that says how far a command is.
#include "progress.hpp"

#include "output.hpp"
#include "table.hpp"
#include "terminal.hpp"
#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <unistd.h>

namespace ndsharray::cli {
namespace {

constexpr std::chrono::milliseconds between_draws{100};
constexpr std::size_t widest_bar = 30;
constexpr std::size_t narrowest_bar = 5;

}  // namespace

Progress::Progress(std::string title, std::uint64_t goal)
    : title_(std::move(title)), goal_(goal), shown_(is_terminal(STDERR_FILENO)) {}

Progress::~Progress() {
    clear();
}

std::string Progress::line(std::uint64_t frames, std::uint64_t bytes, std::size_t width) const {
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    const double rate = seconds > 0 ? static_cast<double>(frames) / seconds : 0;
    std::string text = goal_ > 0 ? fmt::format("{}/{} frames", frames, goal_)
                                 : fmt::format("{} frame{}", frames, plural(frames));
    text += fmt::format("  {}  {}/s", bytes_text(bytes), rate_text(rate));
    const std::size_t room = width > text.size() + 2 ? width - text.size() - 2 : 0;
    std::string start = shortened(title_, std::min<std::size_t>(room, 24));
    if (goal_ > 0 && room > start.size() + narrowest_bar + 4) {
        const std::size_t bar = std::min(widest_bar, room - start.size() - 4);
        const auto full =
            static_cast<std::size_t>(static_cast<double>(bar) *
                                     std::min(1.0, static_cast<double>(frames) / static_cast<double>(goal_)));
        start += fmt::format("  [{}{}]", std::string(full, '#'), std::string(bar - full, ' '));
    }
    return (start + "  " + text).substr(0, width);
}

void Progress::show(std::uint64_t frames, std::uint64_t bytes) {
    const auto now = Clock::now();
    if (!shown_ || now < next_)
        return;
    next_ = now + between_draws;
    drawn_ = true;
    // One column stays free: a full line would make some terminals go on to the next one.
    write_error("\r" + line(frames, bytes, terminal_size().columns - 1) + "\033[K");
}

void Progress::clear() {
    if (std::exchange(drawn_, false))
        write_error("\r\033[K");
}

}  // namespace ndsharray::cli
