// SPDX-License-Identifier: BSD-3-Clause
// Standard output and standard error, with somebody at the other end who may have gone.
#include "output.hpp"

#include <cerrno>
#include <system_error>

#include <unistd.h>

namespace ndsharray::cli {
namespace {

/// \returns 0 or an errno.
int write_all(int file, std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t written = ::write(file, text.data(), text.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

}  // namespace

void write_out(std::string_view text) {
    const int error = write_all(STDOUT_FILENO, text);
    if (error == EPIPE)
        throw OutputClosed{};
    if (error != 0)
        throw std::system_error(error, std::generic_category(), "cannot write to standard output");
}

void write_error(std::string_view text) noexcept {
    write_all(STDERR_FILENO, text);
}

}  // namespace ndsharray::cli
