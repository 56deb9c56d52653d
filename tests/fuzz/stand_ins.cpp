// SPDX-License-Identifier: BSD-3-Clause
// In the place of core/src/process/file_watcher.cpp, platform/futex.cpp and platform/process.cpp: there is
// one thread, so nobody wakes it; a wait lets time pass, and inotify tells when the input says so.
#include "sandbox.hpp"

#include <platform/platform.hpp>
#include <process/file_watcher.hpp>

#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

namespace ndsharray {

// ---- file_watcher.cpp

struct FileWatcher::Watch::Registration {
    std::function<void()> tell;
};

namespace {

std::vector<std::shared_ptr<FileWatcher::Watch::Registration>> registrations;

std::shared_ptr<FileWatcher::Watch::Registration> registered(std::function<void()> tell) {
    registrations.push_back(std::make_shared<FileWatcher::Watch::Registration>(
        FileWatcher::Watch::Registration{std::move(tell)}));
    return registrations.back();
}

}  // namespace

int FileWatcher::start() {
    return 0;
}

FileWatcher::Watch FileWatcher::file_named(const std::string&, const std::string&,
                                           std::function<void()> callback) {
    return Watch(registered(std::move(callback)));
}

FileWatcher::Watch FileWatcher::file(const platform::Descriptor&, std::function<void()> callback) {
    return Watch(registered(std::move(callback)));
}

FileWatcher::Watch FileWatcher::directory(const std::string&, std::function<void(const Change&)> callback) {
    return Watch(registered([callback = std::move(callback)] { callback({{}, true}); }));
}

void FileWatcher::catch_up() {}

FileWatcher::Watch::Watch(std::shared_ptr<Registration> registration) noexcept
    : registration_(std::move(registration)) {}

FileWatcher::Watch::Watch(Watch&& other) noexcept = default;

FileWatcher::Watch& FileWatcher::Watch::operator=(Watch&& other) noexcept {
    std::swap(registration_, other.registration_);
    return *this;
}

FileWatcher::Watch::operator bool() const noexcept {
    return registration_ != nullptr;
}

int FileWatcher::Watch::error() const noexcept {
    return 0;
}

FileWatcher::Watch::~Watch() {
    if (registration_)
        std::erase(registrations, registration_);
}

}  // namespace ndsharray

namespace ndsharray::fuzz {

void tell_watchers() {
    const auto all = registrations;
    for (const auto& registration : all)
        registration->tell();
}

namespace {

/// A call that waits for longer than this, with what it waits for never coming, is told to give up; one that
/// then still waits hangs.
constexpr unsigned most_waits = 200;
unsigned waits = 0;
std::function<void()> on_too_many;

void wait(const platform::Deadline& deadline) {
    if (++waits == most_waits && on_too_many)
        on_too_many();
    require(waits < 2 * most_waits, "what is told to give up gives up");
    const auto now = std::chrono::steady_clock::now();
    require(deadline.has_value() || on_too_many, "nothing waits for ever that was not asked to");
    if (deadline && *deadline > now)
        pass_time(*deadline - now);
}

}  // namespace

void when_waiting_too_long(std::function<void()> give_up) {
    waits = 0;
    on_too_many = std::move(give_up);
}

}  // namespace ndsharray::fuzz

namespace ndsharray::platform {

// ---- futex.cpp

void wake_shared(const std::atomic<std::uint32_t>&) noexcept {}
void wake_private(const std::atomic<std::uint32_t>&) noexcept {}

void wait_private(Watched own, const Deadline& deadline) noexcept {
    if (own.word->load() == own.seen)
        fuzz::wait(deadline);
}

void wait_either(Watched shared, Watched own, const Deadline& deadline) noexcept {
    if (own.word->load() == own.seen && shared.word->load() == shared.seen)
        fuzz::wait(deadline);
}

// ---- process.cpp

std::uint64_t random_bits() noexcept {
    return fuzz::next_random();
}

uid_t own_user() noexcept {
    static const uid_t user = geteuid();
    return user;
}
std::optional<uid_t> user_id(const std::string&) {
    return own_user();
}
std::string user_name(uid_t user) {
    return std::to_string(user);
}
std::uint32_t own_pid() noexcept {
    return 4711;
}

bool process_exists(std::uint32_t) noexcept {
    return true;
}
std::string error_text(int error) {
    return std::generic_category().message(error);
}

std::unique_ptr<std::thread> start_thread(std::function<void()>) {
    throw std::system_error(EAGAIN, std::generic_category());
}

}  // namespace ndsharray::platform
