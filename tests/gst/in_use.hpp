// SPDX-License-Identifier: BSD-3-Clause
// How many descriptors and threads this process has.
#pragma once

#include <support/wait.hpp>

#include <gst/gst.h>

#include <cstddef>
#include <filesystem>
#include <iterator>

namespace ndsharray::test {

/// How many entries a folder of /proc/self has: "fd", "task".
inline std::size_t count_of(const char* what) {
    const std::filesystem::directory_iterator entries(std::filesystem::path("/proc/self") / what);
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

struct Resources {
    std::size_t descriptors = count_of("fd");
    std::size_t threads = count_of("task");
};

/// Whether no more is in use than at first; threads end a little after they were told to. Those that GLib
/// keeps for the next task, more of them in newer releases, are none of ours.
inline bool back_to(const Resources& before) {
    return wait_until([&] {
        g_thread_pool_stop_unused_threads();
        const Resources now;
        return now.descriptors <= before.descriptors && now.threads <= before.threads;
    });
}

}  // namespace ndsharray::test
