// SPDX-License-Identifier: BSD-3-Clause
// Which system calls a thread makes: a seccomp filter that notifies of each, and who answers that it may go
// on. Without libseccomp, which keeps the first listener of a process for all later filters.
#include "system_calls.hpp"

#include <support/wait.hpp>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <system_error>

namespace ndsharray::test {
namespace {

constexpr int not_yet = -1;
constexpr int never = -2;

int start_listening(const sock_fprog& filter) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return static_cast<int>(
        ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter));
}

/// Asks the listener whose descriptor is returned about each system call of this thread; -1 and errno if that
/// cannot be.
int notify_of_all_calls() {
    sock_filter ask[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF)};
    return start_listening({1, ask});
}

/// The same about those of this number.
int notify_of_calls(long number) {
    sock_filter ask[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1),
                         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
                         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    return start_listening({4, ask});
}

/// The next system call, or nothing if there is nobody left who makes any.
std::optional<seccomp_notif> next(int notifications) {
    for (;;) {
        pollfd ready{notifications, POLLIN, 0};
        if (::poll(&ready, 1, -1) < 0 && errno == EINTR)
            continue;
        if ((ready.revents & POLLIN) == 0)
            return std::nullopt;
        seccomp_notif asked{};
        if (::ioctl(notifications, SECCOMP_IOCTL_NOTIF_RECV, &asked) == 0)
            return asked;
        if (errno != EINTR && errno != ENOENT)  // ENOENT: a signal interrupted the call meanwhile
            return std::nullopt;
    }
}

void let_go_on(int notifications, const seccomp_notif& asked) {
    seccomp_notif_resp answer{};
    answer.id = asked.id;
    answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ::ioctl(notifications, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

}  // namespace

SystemCallWatch::SystemCallWatch() : notifications_(not_yet), answering_([this] { answer(); }) {}

SystemCallWatch::~SystemCallWatch() {
    int expected = not_yet;
    notifications_.compare_exchange_strong(expected, never);
    answering_.join();
}

void SystemCallWatch::watch_this_thread() {
    const int notifications = notify_of_all_calls();
    if (notifications < 0) {
        const int error = errno;
        notifications_.store(never);
        throw std::system_error(error, std::generic_category(), "seccomp");
    }
    // No system call may come before this: nobody would answer. So the other thread looks for it.
    notifications_.store(notifications);
}

void SystemCallWatch::answer() {
    while (notifications_.load() == not_yet)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const int notifications = notifications_.load();
    if (notifications < 0)
        return;
    while (const auto asked = next(notifications)) {
        if (const auto number = static_cast<std::size_t>(asked->data.nr); number < counts_.size())
            ++counts_[number];
        let_go_on(notifications, *asked);
    }
    ::close(notifications);
    ended_ = true;
}

SystemCalls SystemCallWatch::counted() const {
    SystemCalls counted;
    for (std::size_t number = 0; number < counts_.size(); ++number)
        if (const std::uint64_t count = counts_[number]; count > 0)
            counted[static_cast<long>(number)] = count;
    return counted;
}

HeldSystemCall::~HeldSystemCall() {
    release();
    if (answering_.joinable())
        answering_.join();
}

void HeldSystemCall::hold_this_thread() {
    const int notifications = notify_of_calls(number_);
    if (notifications < 0)
        throw std::system_error(errno, std::generic_category(), "seccomp");
    notifications_.store(notifications);
}

bool HeldSystemCall::holds() const {
    return wait_until([this] {
        pollfd ready{notifications_.load(), POLLIN, 0};
        return ready.fd >= 0 && ::poll(&ready, 1, 0) == 1 && (ready.revents & POLLIN) != 0;
    });
}

void HeldSystemCall::release() {
    if (!released_.exchange(true) && notifications_.load() >= 0)
        answering_ = std::thread([this] { answer(); });
}

void HeldSystemCall::answer() {
    const int notifications = notifications_.load();
    while (const auto asked = next(notifications))
        let_go_on(notifications, *asked);
    ::close(notifications);
}

SystemCalls operator-(SystemCalls after, const SystemCalls& before) {
    for (const auto& [number, count] : before)
        after[number] -= count;
    std::erase_if(after, [](const auto& call) { return call.second == 0; });
    return after;
}

std::uint64_t total(const SystemCalls& calls) {
    std::uint64_t sum = 0;
    for (const auto& [number, count] : calls)
        sum += count;
    return sum;
}

}  // namespace ndsharray::test
