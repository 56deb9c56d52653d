// SPDX-License-Identifier: BSD-3-Clause
// A process that dies at its n-th step, and what it asks its test to do meanwhile.
#include "victim.hpp"

#include "faults.hpp"

#include <signal.h>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace ndsharray::test {
namespace {

constexpr std::string_view died = "died ";
constexpr const char* any_point = "any";

/// More than any life has.
constexpr unsigned too_many_steps = 5000;

std::string run(const std::string& role, const Arguments& arguments, const Serve& serve) {
    ChildProcess process(role, arguments);
    std::string point;
    bool through = false;
    while (const auto message = process.channel().receive()) {
        if (message->starts_with(died)) {
            point = message->substr(died.size());
        } else if (*message == "done") {
            through = true;
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
    const bool as_planned = point.empty() ? through && exit_code == 0 : exit_code == -SIGKILL;
    require(as_planned, role + " ended with " + std::to_string(exit_code));
    return point;
}

Arguments dying(unsigned n, const std::string& point, const Arguments& arguments) {
    Arguments all{std::to_string(n), point};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
}

/// \returns whether there was a death, and it was survived.
bool die(const Life& life, const Moment& death, Outcome& outcome) {
    std::string point = "nowhere";
    try {
        life.prepare();
        point = life.live(death);
        life.check();
    } catch (const std::exception& error) {
        outcome.failures.push_back(life.name + ", step " + std::to_string(death.n) + ", " + point + ": " +
                                   error.what());
        return false;  // what comes after would fail for the same reason
    }
    if (point.empty())
        return false;
    ++outcome.deaths;
    outcome.points.insert(point);
    return true;
}

}  // namespace

void ask(Channel& channel, const std::string& request) {
    channel.send(request);
    if (!channel.receive())
        throw std::runtime_error("the test ended at: " + request);
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

std::string live(const std::string& role, const Moment& death, const Arguments& arguments,
                 const Serve& serve) {
    return run(role, dying(death.n, death.point ? name(*death.point) : any_point, arguments), serve);
}

void live_until(fault::Point point, unsigned n, const std::string& role, const Arguments& arguments,
                const Serve& serve) {
    require(live(role, {n, point}, arguments, serve) == name(point), role + " never came to " + name(point));
}

Outcome die_at_each_step(const Life& life) {
    Outcome outcome;
    outcome.life = life.name;
    unsigned step = 1;
    while (step <= too_many_steps && die(life, {step}, outcome))
        ++step;
    if (step > too_many_steps)
        outcome.failures.push_back(life.name + " has no end");
    for (const fault::Point point : life.own_points)
        if (outcome.failures.empty() && !die(life, {1, point}, outcome) && outcome.failures.empty())
            outcome.failures.push_back(life.name + " never came to " + name(point));
    return outcome;
}

}  // namespace ndsharray::test
