// SPDX-License-Identifier: BSD-3-Clause
// A process that does not run for a while, as Ctrl-Z does it.
#include <support/stopped.hpp>

#include <support/wait.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace ndsharray::test {
namespace {

bool is_stopped(const std::filesystem::path& thread) {
    std::ifstream file(thread / "stat");
    std::string line;
    std::getline(file, line);
    const auto name_end = line.rfind(')');
    return name_end != std::string::npos && line.substr(name_end, 3) == ") T";
}

bool all_threads_are_stopped(pid_t process) {
    const std::filesystem::directory_iterator threads("/proc/" + std::to_string(process) + "/task");
    return std::all_of(begin(threads), end(threads),
                       [](const auto& thread) { return is_stopped(thread.path()); });
}

}  // namespace

Stopped::Stopped(pid_t process) : process_(process) {
    ::kill(process_, SIGSTOP);
    if (!wait_until([&] { return all_threads_are_stopped(process_); }))
        throw std::runtime_error("the process does not stop");
}

Stopped::~Stopped() {
    ::kill(process_, SIGCONT);
}

}  // namespace ndsharray::test
