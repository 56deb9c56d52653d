// SPDX-License-Identifier: BSD-3-Clause
// What the kernel says about the threads of this process.
#include <support/thread_state.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace ndsharray::test {

namespace {

constexpr const char* threads_folder = "/proc/self/task";

/// How long a thread has to stay asleep to count as one that waits.
constexpr std::chrono::milliseconds a_moment{2};

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

bool sleeps(const std::string& thread) {
    return status_field(thread, "State").starts_with('S');
}

std::vector<std::string> other_threads() {
    const std::string own = std::to_string(this_thread_number());
    std::vector<std::string> others;
    for (const auto& entry : std::filesystem::directory_iterator(threads_folder))
        if (entry.path().filename() != own)
            others.push_back(entry.path().filename());
    return others;
}

/// How often each of the other threads went to sleep; nothing if one is awake.
std::optional<std::map<std::string, std::uint64_t>> sleeping_threads() {
    std::map<std::string, std::uint64_t> switches;
    for (const std::string& thread : other_threads()) {
        switches.emplace(thread, voluntary_switches_of(thread));
        if (!sleeps(thread))
            return std::nullopt;
    }
    return switches;
}

}  // namespace

pid_t this_thread_number() {
    return static_cast<pid_t>(::syscall(SYS_gettid));
}

std::string names_of_other_threads() {
    std::string names;
    for (const std::string& thread : other_threads())
        names += (names.empty() ? "" : ", ") + status_field(thread, "Name");
    return names;
}

bool is_blocked(pid_t thread) {
    const std::string name = std::to_string(thread);
    const auto before = voluntary_switches_of(name);
    if (!sleeps(name))
        return false;
    std::this_thread::sleep_for(a_moment);
    return sleeps(name) && voluntary_switches_of(name) == before;
}

std::uint64_t voluntary_switches(pid_t thread) {
    return voluntary_switches_of(std::to_string(thread));
}

bool other_threads_are_blocked() {
    // Two looks at all of them: one that was seen asleep may be woken by another that is looked at after it.
    const auto before = sleeping_threads();
    std::this_thread::sleep_for(a_moment);
    return before && sleeping_threads() == before;
}

std::uint64_t voluntary_switches_of_other_threads() {
    std::uint64_t sum = 0;
    for (const std::string& thread : other_threads())
        sum += voluntary_switches_of(thread);
    return sum;
}

}  // namespace ndsharray::test
