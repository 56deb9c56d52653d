// SPDX-License-Identifier: BSD-3-Clause
// Hearing of what happens to files: inotify.
#include "platform/file_events.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <ctime>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace ndsharray::platform {

FileEvents::FileEvents()
    : inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)), interrupt_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!interrupt_)
        inotify_.close();
}

int FileEvents::watch_directory(const std::string& path) noexcept {
    return inotify_add_watch(inotify_.number(), path.c_str(), IN_CREATE | IN_MOVED_TO | IN_MASK_ADD);
}

int FileEvents::watch_changes(const std::string& path) noexcept {
    return inotify_add_watch(inotify_.number(), path.c_str(),
                             IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | IN_CLOSE_WRITE |
                                 IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_ONLYDIR);
}

int FileEvents::watch_file(const Descriptor& file) noexcept {
    // By descriptor, not by name: whatever is at the name by now, this is the file that was checked.
    const std::string path = "/proc/self/fd/" + std::to_string(file.number());
    return inotify_add_watch(
        inotify_.number(), path.c_str(),
        IN_CLOSE_WRITE | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB | IN_MASK_ADD);
}

void FileEvents::forget(int watch) noexcept {
    inotify_rm_watch(inotify_.number(), watch);
}

std::vector<FileEvent> FileEvents::wait(const Deadline& deadline) {
    pollfd polled[2] = {{inotify_.number(), POLLIN, 0}, {interrupt_.number(), POLLIN, 0}};
    timespec time{};
    if (deadline) {
        const auto left = std::max<std::int64_t>(
            0, std::chrono::duration_cast<Nanoseconds>(*deadline - std::chrono::steady_clock::now()).count());
        time.tv_sec = static_cast<time_t>(left / 1'000'000'000);
        time.tv_nsec = static_cast<long>(left % 1'000'000'000);
    }
    ppoll(polled, 2, deadline ? &time : nullptr, nullptr);
    std::uint64_t interrupts = 0;
    [[maybe_unused]] const ssize_t drained = read(interrupt_.number(), &interrupts, sizeof interrupts);

    std::vector<FileEvent> events;
    alignas(inotify_event) char buffer[4096];
    for (ssize_t length; (length = read(inotify_.number(), buffer, sizeof buffer)) > 0;) {
        for (ssize_t at = 0; at < length;) {
            inotify_event raw;
            std::memcpy(&raw, buffer + at, sizeof raw);
            const char* name = buffer + at + sizeof raw;
            events.push_back({raw.wd, raw.len > 0 ? std::string(name) : std::string(),
                              (raw.mask & IN_CLOSE_WRITE) != 0,
                              (raw.mask & (IN_IGNORED | IN_MOVE_SELF)) != 0});
            at += static_cast<ssize_t>(sizeof raw + raw.len);
        }
    }
    return events;
}

void FileEvents::interrupt() noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(interrupt_.number(), &one, sizeof one);
}

}  // namespace ndsharray::platform
