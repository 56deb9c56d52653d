// SPDX-License-Identifier: BSD-3-Clause
// A process that dies at its n-th step, and what it asks its test to do meanwhile.
#pragma once

#include "testing/faults.hpp"

#include <support/child_process.hpp>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace ndsharray::test {

/// Stands for each of them, in the place of a point's name.
inline constexpr const char* any_point = "any";

// ---- in the victim

/// Asks the test to do something, and waits until it is done.
void ask(Channel& channel, const std::string& request);

/// Makes ready to die: arguments 0 and 1 of every victim are the step to die at, and the point that counts as
/// one, or any_point.
void await_death(const Channel& channel, const Arguments& arguments);

/// Says that a life was lived to its end, and which points were on the way.
void tell_the_end(Channel& channel);

/// The role of a victim with this life.
template <void (*life)(Channel&, const Arguments&)>
int live_out(Channel& channel, const Arguments& arguments) {
    await_death(channel, arguments);
    life(channel, arguments);
    tell_the_end(channel);
    return 0;
}

// ---- in the test

/// Fails what is being checked. \throws std::runtime_error
[[noreturn]] void fail(const std::string& what);
inline void require(bool condition, const std::string& what) {
    if (!condition)
        fail(what);
}

/// When a process is to die: the n-th time that it reaches a point, or any point.
struct Moment {
    unsigned n = 1;
    std::string point = any_point;
};

/// Does what a victim asks for.
using Serve = std::function<void(const std::string& request)>;

/// How a process ended.
struct Ending {
    std::string point;              ///< where it died; empty if it did not
    std::set<std::string> reached;  ///< then: the points on its way
};

/// Lets a process live a life (a role) until it dies or is through.
Ending live(const std::string& role, const Moment& death, const Arguments& arguments, const Serve& serve);

/// \throws std::runtime_error if it does not die there.
void live_until(fault::Point point, unsigned n, const std::string& role, const Arguments& arguments,
                const Serve& serve);

/// What came of letting processes die at each step of a life.
struct Outcome {
    std::string life;
    unsigned deaths = 0;
    std::set<std::string> points;  // where they died
    std::vector<std::string> failures;
};

/// One life: what it is called, how a process lives it, and what must hold after a death in it.
struct Life {
    std::string name;
    std::function<void()> prepare;  // before each
    std::function<Ending(const Moment& death)> live;
    std::function<void()> check;  // after each; throws what is wrong
};

/// Lets processes die at step 1, 2, 3, ... until one gets through. Steps of other threads come in between now
/// and then, so that one may get through too soon: what nobody died at that was on its way is then died at by
/// name.
Outcome die_at_each_step(const Life& life);

}  // namespace ndsharray::test
