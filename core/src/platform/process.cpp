// SPDX-License-Identifier: BSD-3-Clause
// This process, its user and its threads; random numbers; names of errors.
#include "platform/process.hpp"

#include "platform/signals_blocked.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

#include <pthread.h>
#include <pwd.h>
#include <sys/random.h>
#include <unistd.h>

namespace ndsharray::platform {

std::uint64_t random_bits() noexcept {
    std::uint64_t bits = 0;
    while (getrandom(&bits, sizeof bits, 0) != sizeof bits) {
    }
    return bits;
}

uid_t own_user() noexcept {
    return geteuid();
}

std::optional<uid_t> user_id(const std::string& name_or_number) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> buffer(16384);
    getpwnam_r(name_or_number.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found != nullptr)
        return found->pw_uid;
    const bool digits = !name_or_number.empty() && name_or_number.size() <= 10 &&
                        std::all_of(name_or_number.begin(), name_or_number.end(),
                                    [](char c) { return c >= '0' && c <= '9'; });
    if (!digits)
        return std::nullopt;
    const unsigned long long number = std::stoull(name_or_number);
    if (number > std::numeric_limits<uid_t>::max())
        return std::nullopt;
    return static_cast<uid_t>(number);
}

std::string user_name(uid_t user) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> buffer(16384);
    getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found);
    return found != nullptr ? std::string(found->pw_name) : std::to_string(user);
}

std::uint32_t own_pid() noexcept {
    return static_cast<std::uint32_t>(getpid());
}

bool process_exists(std::uint32_t pid) noexcept {
    const auto id = static_cast<pid_t>(pid);
    return id > 0 && (kill(id, 0) == 0 || errno == EPERM);
}

std::string error_text(int error) {
    return std::generic_category().message(error);
}

std::unique_ptr<std::thread> start_thread(std::function<void()> work) {
    const SignalsBlocked inherited;  // the new thread inherits the mask
    return std::make_unique<std::thread>(std::move(work));
}

}  // namespace ndsharray::platform
