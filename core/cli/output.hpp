// SPDX-License-Identifier: BSD-3-Clause
// Standard output and standard error, with somebody at the other end who may have gone.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace ndsharray::cli {

/// Thrown when nobody reads our output any more, as in `ndsh list | head -1`: the program ends quietly.
struct OutputClosed {};

/// Writes all of it to standard output, at once.
/// \throws OutputClosed; std::system_error for any other failure, such as a full disk.
void write_out(std::string_view text);

/// Writes all of it to standard error. What fails there has nowhere to be told.
void write_error(std::string_view text) noexcept;

template <typename... Arguments>
void print(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    write_out(fmt::format(format, std::forward<Arguments>(arguments)...));
}

/// A line to standard error, with the name of the program before it.
template <typename... Arguments>
void complain(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    write_error("ndsh: " + fmt::format(format, std::forward<Arguments>(arguments)...) + "\n");
}

}  // namespace ndsharray::cli
