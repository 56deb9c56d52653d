// SPDX-License-Identifier: BSD-3-Clause
// The terminal: whether there is one, how large it is, and a screen that is drawn in place.
#include "terminal.hpp"

#include "output.hpp"

#include <algorithm>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

namespace ndsharray::cli {
namespace {

// Control sequences that every terminal since the VT220 and xterm knows.
constexpr std::string_view enter_sequence = "\033[?1049h\033[?25l";  // second screen, no cursor
constexpr std::string_view leave_sequence = "\033[?25h\033[?1049l";
constexpr std::string_view home = "\033[H";
constexpr std::string_view clear_line = "\033[K";
constexpr std::string_view clear_below = "\033[J";

std::string_view variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets variables here
    return value != nullptr ? value : "";
}

void write_quietly(std::string_view text) noexcept {
    try {
        write_out(text);
    } catch (...) {  // a terminal that is gone needs nothing put back
    }
}

}  // namespace

bool is_terminal(int descriptor) noexcept {
    return ::isatty(descriptor) == 1 && variable("TERM") != "dumb" && !variable("TERM").empty();
}

Size terminal_size() noexcept {
    for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
        winsize size{};
        if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
            return {size.ws_row, size.ws_col};
    }
    return {24, 80};
}

std::size_t output_width() noexcept {
    return is_terminal(STDOUT_FILENO) ? terminal_size().columns : 0;
}

std::string bold(std::string_view text) {
    // https://no-color.org: set and not empty means no.
    if (!is_terminal(STDOUT_FILENO) || !variable("NO_COLOR").empty())
        return std::string(text);
    return "\033[1m" + std::string(text) + "\033[0m";
}

Screen::Screen() {
    enter();
}

Screen::~Screen() {
    leave();
}

void Screen::enter() noexcept {
    const std::lock_guard guard(mutex_);
    if (!entered_)
        write_quietly(enter_sequence);
    entered_ = true;
}

void Screen::leave() noexcept {
    const std::lock_guard guard(mutex_);
    if (entered_)
        write_quietly(leave_sequence);
    entered_ = false;
}

void Screen::draw(const std::vector<std::string>& lines) {
    // Each line is written over the old one, then the rest of it cleared: nothing flickers.
    const std::size_t room = terminal_size().rows;
    std::string text(home);
    for (std::size_t i = 0; i < std::min(lines.size(), room); ++i) {
        text += i == 0 ? "" : "\r\n";
        text += lines[i];
        text += clear_line;
    }
    text += clear_below;
    const std::lock_guard guard(mutex_);
    if (entered_)
        write_out(text);
}

}  // namespace ndsharray::cli
