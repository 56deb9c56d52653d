// SPDX-License-Identifier: BSD-3-Clause
#include "clock_watch.hpp"

#include "wire.hpp"

#include <time.h>

namespace ndsharray::mirror {
namespace {

using namespace std::chrono_literals;

constexpr unsigned first_pings = 8;  // soon after one another, so that the estimate begins well
constexpr std::int64_t first_pause = 20'000'000, later_pause = 500'000'000;

}  // namespace

std::int64_t monotonic_now() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

ClockWatch::ClockWatch(Engine& engine, const Address& address, const std::optional<MirrorKeys>& keys)
    : link_(engine, address, keys), thread_([this] { run(); }) {}

ClockWatch::~ClockWatch() {
    over_ = true;
    thread_.join();
}

std::optional<OffsetEstimate> ClockWatch::estimate() const {
    const std::lock_guard lock(mutex_);
    return offset_.estimate(monotonic_now());
}

void ClockWatch::run() {
    std::int64_t next = 0, awaited = 0;
    unsigned answers = 0;
    while (!over_) {
        const std::int64_t now = monotonic_now();
        if (now >= next) {
            awaited = now;
            link_.send(encode(Ping{now}));
            next = now + (answers < first_pings ? first_pause : later_pause);
        }
        const auto received = link_.receive(10ms);
        const std::int64_t returned = monotonic_now();
        if (!received)
            continue;
        try {
            const Message message = decode(received->head.bytes());
            const auto* const pong = std::get_if<Pong>(&message);
            if (pong == nullptr || pong->sent > awaited || pong->sent < 0)
                continue;
            const std::lock_guard lock(mutex_);
            if (pong->instance != instance_)
                offset_.reset();  // another process, perhaps after the machine was started again
            instance_ = pong->instance;
            offset_.add(pong->sent, pong->received, pong->answered, returned);
            ++answers;
        } catch (const WireError&) {
            // The follower, which asks the same side, tells what is wrong with it.
        }
    }
}

}  // namespace ndsharray::mirror
