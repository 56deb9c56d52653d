// SPDX-License-Identifier: BSD-3-Clause
// Events of files: inotify, and the kernel's table of mounts.
#include "platform/file_events.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace ndsharray::platform {
namespace {

std::uint32_t mask_of(std::uint32_t interests) noexcept {
    std::uint32_t mask = 0;
    if ((interests & interest::itself) != 0)
        mask |= IN_MOVE_SELF | IN_DELETE_SELF;
    if ((interests & interest::appearing) != 0)
        mask |= IN_CREATE | IN_MOVED_TO;
    if ((interests & interest::vanishing) != 0)
        mask |= IN_DELETE | IN_MOVED_FROM;
    if ((interests & interest::contents) != 0)
        mask |= IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB;
    return mask;
}

FileEvent event_of(const inotify_event& raw, const char* name) {
    FileEvent event{.watch = raw.wd};
    if ((raw.mask & IN_Q_OVERFLOW) != 0)
        event.kind = FileEvent::Kind::Lost;
    else if ((raw.mask & IN_IGNORED) != 0)
        event.kind = FileEvent::Kind::Ended;
    else if ((raw.mask & (IN_MOVE_SELF | IN_DELETE_SELF | IN_UNMOUNT)) != 0)
        event.kind = FileEvent::Kind::Itself;
    if (raw.len > 0)
        event.name = name;
    event.appeared = (raw.mask & (IN_CREATE | IN_MOVED_TO)) != 0;
    event.closed = (raw.mask & IN_CLOSE_WRITE) != 0;
    return event;
}

}  // namespace

FileEvents::FileEvents()
    : inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)), interrupt_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!interrupt_) {
        inotify_.close();
        return;
    }
    const int error = errno;
    // inotify does not report a mount over a directory. Without /proc, nothing reports it.
    mounts_ = Descriptor(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
    errno = error;
}

int FileEvents::watch_directory(const std::string& path, std::uint32_t interests) noexcept {
    return inotify_add_watch(inotify_.number(), path.c_str(), mask_of(interests) | IN_ONLYDIR | IN_MASK_ADD);
}

int FileEvents::watch_file(const Descriptor& file) noexcept {
    // By descriptor: the name may lead to another file than the one that was checked.
    std::array<char, 32> path{};
    std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", file.number());
    return inotify_add_watch(
        inotify_.number(), path.data(),
        IN_CLOSE_WRITE | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB | IN_MASK_ADD);
}

void FileEvents::forget(int watch) noexcept {
    inotify_rm_watch(inotify_.number(), watch);
}

void FileEvents::wait(const Deadline& deadline) noexcept {
    // The table of mounts is always readable. A change of it counts as urgent data.
    std::array polled{pollfd{inotify_.number(), POLLIN, 0}, pollfd{interrupt_.number(), POLLIN, 0},
                      pollfd{mounts_.number(), POLLPRI, 0}};
    timespec time{};
    if (deadline) {
        const auto left = std::max<std::int64_t>(
            0, std::chrono::duration_cast<Nanoseconds>(*deadline - std::chrono::steady_clock::now()).count());
        time.tv_sec = static_cast<time_t>(left / 1'000'000'000);
        time.tv_nsec = static_cast<long>(left % 1'000'000'000);
    }
    ppoll(polled.data(), polled.size(), deadline ? &time : nullptr, nullptr);
    // poll() reports a change once. Relaxed: the flag publishes nothing else.
    if (polled[2].revents != 0)
        mounts_changed_.store(true, std::memory_order_relaxed);
    std::uint64_t interrupts = 0;
    [[maybe_unused]] const ssize_t drained = read(interrupt_.number(), &interrupts, sizeof interrupts);
}

std::vector<FileEvent> FileEvents::take() {
    std::vector<FileEvent> events;
    if (mounts_changed_.exchange(false, std::memory_order_relaxed))
        events.push_back({.kind = FileEvent::Kind::Mounts});
    alignas(inotify_event) char buffer[4096];
    for (ssize_t length; (length = read(inotify_.number(), buffer, sizeof buffer)) > 0;) {
        for (ssize_t at = 0; at < length;) {
            inotify_event raw;
            std::memcpy(&raw, buffer + at, sizeof raw);
            events.push_back(event_of(raw, buffer + at + sizeof raw));
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
