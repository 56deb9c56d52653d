// SPDX-License-Identifier: BSD-3-Clause
// `ndsh serve`: a program of its own, as it needs GStreamer and libsoup, which ndsh does without.
#include "serve.hpp"

#include "exit_code.hpp"
#include "output.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

namespace ndsharray::cli {

int serve(char** argv) {
    std::string name = "ndsh-serve";
    char** arguments = argv + 1;
    arguments[0] = name.data();
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (!error)
        execv((self.parent_path() / name).c_str(), arguments);
    execvp(name.c_str(), arguments);
    if (errno != ENOENT) {
        complain("cannot start ndsh-serve: {}", std::strerror(errno));
        return failure;
    }
    complain(
        "ndsh-serve is not installed. Debian has it in ndsharray-serve. ndsharray is built with it by "
        "meson's "
        "-Dserve=enabled, which needs (on Debian) libsoup-3.0-dev libgstrtspserver-1.0-dev "
        "libgstreamer-plugins-bad1.0-dev "
        "libturbojpeg0-dev libpng-dev");
    return failure;
}

}  // namespace ndsharray::cli
