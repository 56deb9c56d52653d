// SPDX-License-Identifier: BSD-3-Clause
// A process that dies at its n-th step, and what it asks its test to do meanwhile.
#include "victim.hpp"

#include "faults.hpp"

#include <signal.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace ndsharray::test {
namespace {

constexpr std::string_view died = "died ";
constexpr std::string_view lived = "lived ";

/// More than any life has.
constexpr unsigned too_many_steps = 5000;

Ending run(const std::string& role, const Arguments& arguments, const Serve& serve) {
    ChildProcess process(role, arguments);
    Ending ending;
    bool through = false;
    while (const auto message = process.channel().receive()) {
        if (message->starts_with(died)) {
            ending.point = message->substr(died.size());
        } else if (message->starts_with(lived)) {
            through = true;
            std::istringstream points(message->substr(lived.size()));
            ending.reached = {std::istream_iterator<std::string>(points), {}};
        } else {
            serve(*message);
            try {
                process.channel().send("ok");
            } catch (const std::system_error&) {
                // It died in another thread while it waited for us: its last words are still to be read.
            }
        }
    }
    const int exit_code = process.wait_for_exit();
    const bool as_planned = ending.point.empty() ? through && exit_code == 0 : exit_code == -SIGKILL;
    require(as_planned, role + " ended with " + std::to_string(exit_code));
    return ending;
}

/// \returns how it ended; nothing if that was not survived, which is told then.
std::optional<Ending> live_once(const Life& life, const Moment& death, Outcome& outcome) {
    Ending ending{"nowhere", {}};
    try {
        life.prepare();
        ending = life.live(death);
        life.check();
    } catch (const std::exception& error) {
        outcome.failures.push_back(life.name + ", step " + std::to_string(death.n) + ", " + ending.point +
                                   ": " + error.what());
        return std::nullopt;
    }
    if (!ending.point.empty()) {
        ++outcome.deaths;
        outcome.points.insert(ending.point);
    }
    return ending;
}

}  // namespace

void ask(Channel& channel, const std::string& request) {
    channel.send(request);
    if (!channel.receive())
        throw std::runtime_error("the test ended at: " + request);
}

void tell_the_end(Channel& channel) {
    std::string last_words(lived);
    for (const std::string& point : reached_points())
        last_words += point + " ";
    channel.send(last_words);
}

void await_death(const Channel& channel, const Arguments& arguments) {
    const auto n = static_cast<unsigned>(std::stoul(arguments.at(0)));
    if (arguments.at(1) == any_point)
        return die_at_nth(n, channel.descriptor());
    const auto& points = fault_points();
    const auto index = std::find(points.begin(), points.end(), arguments.at(1)) - points.begin();
    die_at(static_cast<fault::Point>(index), n, channel.descriptor());
}

void fail(const std::string& what) {
    throw std::runtime_error(what);
}

Ending live(const std::string& role, const Moment& death, const Arguments& arguments, const Serve& serve) {
    Arguments all{std::to_string(death.n), death.point};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run(role, all, serve);
}

void live_until(fault::Point point, unsigned n, const std::string& role, const Arguments& arguments,
                const Serve& serve) {
    const std::string& there = name(point);
    require(live(role, {n, there}, arguments, serve).point == there, role + " never came to " + there);
}

Outcome die_at_each_step(const Life& life) {
    Outcome outcome;
    outcome.life = life.name;
    std::optional<Ending> ending;
    unsigned step = 0;
    do
        ending = live_once(life, {++step}, outcome);
    while (ending && !ending->point.empty() && step < too_many_steps);
    if (!ending)
        return outcome;  // what comes after would fail for the same reason
    if (!ending->point.empty())
        outcome.failures.push_back(life.name + " has no end");
    for (const std::string& point : ending->reached)
        if (!outcome.points.contains(point) && !live_once(life, {1, point}, outcome))
            return outcome;
    return outcome;
}

}  // namespace ndsharray::test
