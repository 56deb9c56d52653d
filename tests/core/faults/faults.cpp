// SPDX-License-Identifier: BSD-3-Clause
// Letting a process die at any of the points that core/src/testing/faults.hpp names.
#include "faults.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <optional>
#include <utility>

namespace ndsharray::test {
namespace {

/// What is to happen in this process. Set before its first point, but for the callback.
struct Plan {
    unsigned die_at = 0;  // 0: never
    std::optional<fault::Point> only;
    int channel = -1;
    std::atomic<unsigned> reached{0};
    std::array<std::atomic<bool>, fault::point_names.size()> points{};  // that were
    std::atomic<int> callback_at{-1};
    std::function<void()> callback;
};
Plan plan;

[[noreturn]] void die(fault::Point point) {
    const std::string last_words = "died " + name(point);
    ::send(plan.channel, last_words.data(), last_words.size(), MSG_NOSIGNAL);
    ::kill(::getpid(), SIGKILL);
    for (;;)
        ::pause();
}

}  // namespace

const std::vector<std::string>& fault_points() {
    static const std::vector<std::string> names(fault::point_names.begin(), fault::point_names.end());
    return names;
}

const std::string& name(fault::Point point) {
    return fault_points().at(static_cast<std::size_t>(point));
}

void die_at_nth(unsigned n, int channel) {
    plan.die_at = n;
    plan.channel = channel;
}

void die_at(fault::Point point, unsigned n, int channel) {
    plan.only = point;
    die_at_nth(n, channel);
}

std::vector<std::string> reached_points() {
    std::vector<std::string> reached;
    for (std::size_t index = 0; index < plan.points.size(); ++index)
        if (plan.points.at(index))
            reached.push_back(fault_points().at(index));
    return reached;
}

void when_reached(fault::Point point, std::function<void()> callback) {
    plan.callback = std::move(callback);
    plan.callback_at.store(static_cast<int>(point));
}

}  // namespace ndsharray::test

namespace ndsharray::fault {

void reached(Point point) noexcept {
    using test::plan;
    int called_at = static_cast<int>(point);
    if (plan.callback_at.compare_exchange_strong(called_at, -1))
        std::exchange(plan.callback, {})();
    plan.points.at(static_cast<std::size_t>(point)).store(true, std::memory_order_relaxed);
    if (plan.die_at == 0 || (plan.only && *plan.only != point))
        return;
    if (plan.reached.fetch_add(1) + 1 == plan.die_at)
        test::die(point);
}

}  // namespace ndsharray::fault
