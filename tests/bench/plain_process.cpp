// SPDX-License-Identifier: BSD-3-Clause
// One side of a run without GStreamer: a thread that pushes or takes, steered over the channel.
#include "plain_process.hpp"

#include <optional>
#include <thread>

#include "schedule.hpp"
#include "window.hpp"

namespace ndsharray::bench {
namespace {

using test::Channel;

/// Until it is told to stop, or nobody is left to tell it.
void obey(Channel& channel, Schedule* schedule) {
    while (const auto order = channel.receive(std::nullopt)) {
        if (*order == command::go && schedule != nullptr)
            schedule->go();
        else if (*order == command::stop)
            break;
    }
}

}  // namespace

int run_plain_producer(Channel& channel, const SourcePlan& plan,
                       const std::function<void(Stamp stamp)>& push) {
    const Notify notify = notify_over(channel);
    Schedule schedule(plan.rate, plan.settling, plan.seconds);
    Window window;
    const std::jthread thread([&](const std::stop_token& stop) {
        Stamp stamp;
        while (!stop.stop_requested()) {
            stamp.phase = schedule.next();
            if (window.enter(stamp.phase))
                notify({event::pushed, {}, window.result()});
            window.count();
            ++stamp.index;
            push(stamp);
            if (stamp.index == 1)
                notify({event::pushing, {}, {}});
        }
    });
    obey(channel, &schedule);
    return 0;
}

int run_plain_consumer(Channel& channel, const std::function<void(const std::stop_token&)>& take,
                       const std::function<void()>& wake) {
    std::jthread thread([&take](const std::stop_token& stop) { take(stop); });
    obey(channel, nullptr);
    thread.request_stop();
    wake();
    return 0;
}

}  // namespace ndsharray::bench
