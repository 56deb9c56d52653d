// SPDX-License-Identifier: BSD-3-Clause
// What this process has in use, as the kernel counts it.
#pragma once

#include <support/wait.hpp>

#include <glib.h>
#include <malloc.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>

namespace ndsharray::test {

/// How many entries a folder of /proc/self has: "fd", "task".
inline std::size_t count_of(const char* what) {
    const std::filesystem::directory_iterator entries(std::filesystem::path("/proc/self") / what);
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

/// How many files of tags are mapped, deleted ones too.
inline std::size_t count_of_mapped_files() {
    std::ifstream maps("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);)
        count += line.find("/ndsh.") != std::string::npos ? 1 : 0;
    return count;
}

struct Resources {
    std::size_t descriptors = count_of("fd");
    std::size_t threads = count_of("task");
    std::size_t mapped_files = count_of_mapped_files();
    std::size_t heap = ::mallinfo2().uordblks;  // bytes
};

inline std::ostream& operator<<(std::ostream& out, const Resources& resources) {
    return out << resources.descriptors << " descriptors, " << resources.threads << " threads, "
               << resources.mapped_files << " mapped files, " << resources.heap << " bytes";
}

/// Whether no more is in use than at first; threads end a little after they were told to. Those that GLib
/// keeps for the next task, more of them in newer releases, are none of ours, and neither is the heap it
/// keeps.
inline bool back_to(const Resources& before) {
    return wait_until([&] {
        g_thread_pool_stop_unused_threads();
        const Resources now;
        return now.descriptors <= before.descriptors && now.threads <= before.threads &&
               now.mapped_files <= before.mapped_files;
    });
}

}  // namespace ndsharray::test
