// SPDX-License-Identifier: BSD-3-Clause
// The terminal: whether there is one, how large it is, and a screen that is drawn in place.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace ndsharray::cli {

/// Whether a descriptor is a terminal that understands control sequences (TERM is not "dumb").
bool is_terminal(int descriptor) noexcept;

struct Size {
    std::size_t rows;
    std::size_t columns;
};

/// Of the terminal at standard output or standard error, as it is now; 24 x 80 if it does not say.
Size terminal_size() noexcept;

/// Width for tables on standard output: that of the terminal, or 0 (any) where there is none.
std::size_t output_width() noexcept;

/// The text in bold, where standard output is a terminal and NO_COLOR is not set.
std::string bold(std::string_view text);

/// Draws whole screens in place on the terminal at standard output: on its second screen, with the cursor
/// hidden. Puts both back when destroyed. Safe from any thread, because leave() and enter() come from the one
/// that takes signals.
class Screen {
  public:
    Screen();
    ~Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    /// Shows these lines and nothing else. Those that the terminal has no room for are left out.
    /// \throws OutputClosed, std::system_error.
    void draw(const std::vector<std::string>& lines);

    /// Puts the terminal back, for as long as the program is stopped.
    void leave() noexcept;
    void enter() noexcept;

  private:
    std::mutex mutex_;
    bool entered_ = false;
};

}  // namespace ndsharray::cli
