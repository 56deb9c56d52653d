// SPDX-License-Identifier: BSD-3-Clause
// What a process holds of the system: what must be at the end as it was at the start.
#include <support/process_state.hpp>

#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <sstream>
#include <string>

namespace ndsharray::test {
namespace {

unsigned count_entries(const char* folder) {
    const std::filesystem::directory_iterator entries(folder);
    return static_cast<unsigned>(std::distance(begin(entries), end(entries)));
}

/// Threads that were there before main(), but for the main thread: an emulator's, or a sanitizer's.
const unsigned foreign_threads = count_entries("/proc/self/task") - 1;

// What the memory of a sanitizer is mapped to changes all the time. It finds by itself what is not freed.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool counts_own_memory = false;
#else
constexpr bool counts_own_memory = true;
#endif

}  // namespace

bool ProcessState::has_as_many(const ProcessState& other) const noexcept {
    return descriptors == other.descriptors && threads == other.threads && mappings == other.mappings &&
           tag_mappings == other.tag_mappings;
}

bool ProcessState::has_more_than(const ProcessState& other) const noexcept {
    return descriptors > other.descriptors || threads > other.threads || mappings > other.mappings ||
           tag_mappings > other.tag_mappings;
}

ProcessState process_state() {
    ProcessState state;
    state.descriptors = count_entries("/proc/self/fd") - 1;  // but the one that lists them
    state.threads = count_entries("/proc/self/task") - foreign_threads;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line); state.mappings += counts_own_memory ? 1 : 0)
        state.tag_mappings += line.find("/ndsh.") != std::string::npos ? 1 : 0;
    if (!counts_own_memory)
        return state;
    std::ifstream rollup("/proc/self/smaps_rollup");
    for (std::string line; std::getline(rollup, line);) {
        std::istringstream words(line);
        std::string field;
        std::uint64_t kibibytes = 0;
        words >> field >> kibibytes;
        if (field == "Pss:")
            state.resident_bytes = kibibytes * 1024;
        if (field == "Private_Dirty:")
            state.private_bytes = kibibytes * 1024;
    }
    return state;
}

void raise_file_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void PrintTo(const ProcessState& state, std::ostream* out) {
    *out << state.descriptors << " descriptors, " << state.threads << " threads, " << state.mappings
         << " mappings (" << state.tag_mappings << " of tags), " << state.private_bytes / 1024
         << " KiB private, " << state.resident_bytes / 1024 << " KiB with its share";
}

}  // namespace ndsharray::test
