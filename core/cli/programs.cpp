// SPDX-License-Identifier: BSD-3-Clause
// Commands of ndsh that are programs of their own, as they need libraries which ndsh does without.
#include "programs.hpp"

#include "exit_code.hpp"
#include "output.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

namespace ndsharray::cli {
namespace {

struct Program {
    std::string_view command;
    std::string_view option;   // of meson
    std::string_view needs;    // packages of Debian
    std::string_view package;  // of Debian, with the program
};

constexpr std::string_view for_mirror = "libzmq3-dev libzstd-dev libcli11-dev libfmt-dev";
constexpr std::array<Program, 3> programs{{
    {"serve", "serve",
     "libsoup-3.0-dev libgstrtspserver-1.0-dev libgstreamer-plugins-bad1.0-dev libturbojpeg0-dev libpng-dev",
     "ndsharray-serve"},
    {"share", "mirror", for_mirror, "ndsharray-mirror"},
    {"mirror", "mirror", for_mirror, "ndsharray-mirror"},
}};

const Program* find(std::string_view command) {
    const auto found = std::find_if(programs.begin(), programs.end(),
                                    [&](const Program& program) { return program.command == command; });
    return found != programs.end() ? &*found : nullptr;
}

}  // namespace

bool is_program(std::string_view command) {
    return find(command) != nullptr;
}

int become(char** argv) {
    const Program& program = *find(argv[1]);
    std::string name = "ndsh-" + std::string(program.command);
    char** arguments = argv + 1;
    arguments[0] = name.data();
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (!error)
        execv((self.parent_path() / name).c_str(), arguments);
    execvp(name.c_str(), arguments);
    if (errno != ENOENT) {
        complain("cannot start {}: {}", name, std::strerror(errno));
        return failure;
    }
    complain(
        "{} is not installed. Debian has it in {}. ndsharray is built with it by meson's -D{}=enabled, which "
        "needs "
        "(on Debian) {}",
        name, program.package, program.option, program.needs);
    return failure;
}

}  // namespace ndsharray::cli
