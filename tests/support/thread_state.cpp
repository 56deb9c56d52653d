// SPDX-License-Identifier: BSD-3-Clause
// What the kernel says about the threads of this process.
#include <support/thread_state.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace ndsharray::test {

namespace {

constexpr const char* threads_folder = "/proc/self/task";

/// The text behind `field` in the thread's status; empty if the thread ended.
std::string status_field(const std::string& thread, const std::string& field) {
    std::ifstream status(std::filesystem::path(threads_folder) / thread / "status");
    std::string line;
    while (std::getline(status, line))
        if (line.starts_with(field + ":\t"))
            return line.substr(field.size() + 2);
    return {};
}

std::uint64_t voluntary_switches_of(const std::string& thread) {
    const std::string count = status_field(thread, "voluntary_ctxt_switches");
    return count.empty() ? 0 : std::stoull(count);
}

std::vector<std::string> other_threads() {
    const std::string own = std::to_string(this_thread_number());
    std::vector<std::string> others;
    for (const auto& entry : std::filesystem::directory_iterator(threads_folder))
        if (entry.path().filename() != own)
            others.push_back(entry.path().filename());
    return others;
}

}  // namespace

pid_t this_thread_number() {
    return static_cast<pid_t>(::syscall(SYS_gettid));
}

bool is_blocked(pid_t thread) {
    const std::string name = std::to_string(thread);
    const auto sleeps = [&] { return status_field(name, "State").starts_with('S'); };
    const auto before = voluntary_switches_of(name);
    if (!sleeps())
        return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return sleeps() && voluntary_switches_of(name) == before;
}

std::uint64_t voluntary_switches(pid_t thread) {
    return voluntary_switches_of(std::to_string(thread));
}

bool other_threads_are_blocked() {
    // One after the other: whoever was seen asleep may have been woken by one that was seen later.
    const std::uint64_t before = voluntary_switches_of_other_threads();
    return std::ranges::all_of(other_threads(),
                               [](const std::string& thread) { return is_blocked(std::stoi(thread)); }) &&
           voluntary_switches_of_other_threads() == before;
}

std::uint64_t voluntary_switches_of_other_threads() {
    std::uint64_t sum = 0;
    for (const std::string& thread : other_threads())
        sum += voluntary_switches_of(thread);
    return sum;
}

}  // namespace ndsharray::test
