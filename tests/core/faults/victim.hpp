// SPDX-License-Identifier: BSD-3-Clause
// A process that dies at its n-th step, and what it asks its test to do meanwhile.
#pragma once

#include "fault.hpp"

#include <support/child_process.hpp>

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace ndsharray::test {

// ---- in the victim

/// Asks the test to do something, and waits until it is done.
void ask(Channel& channel, const std::string& request);

/// Makes ready to die: arguments 0 and 1 of every victim are the step to die at, and the point that counts as
/// one ("any": each).
void await_death(const Channel& channel, const Arguments& arguments);

// ---- in the test

/// Fails what is being checked. \throws std::runtime_error
[[noreturn]] void fail(const std::string& what);
inline void require(bool condition, const std::string& what) {
    if (!condition)
        fail(what);
}

/// When a process is to die: the n-th time that it reaches a point, or any point.
struct Moment {
    unsigned n;
    std::optional<fault::Point> point{};
};

/// Does what a victim asks for.
using Serve = std::function<void(const std::string& request)>;

/// Lets a process live a life (a role) until it dies or is through.
/// \returns the name of the point where it died; empty if it did not.
std::string live(const std::string& role, const Moment& death, const Arguments& arguments,
                 const Serve& serve);

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
    std::function<void()> prepare;                         // before each
    std::function<std::string(const Moment& death)> live;  // \returns as live() does
    std::function<void()> check;                           // after each; throws what is wrong
    std::vector<fault::Point> own_points{};                // no other life comes there
};

/// Lets processes die at step 1, 2, 3, ... until one gets through, and at the points that are the life's own:
/// steps of other threads come in between now and then, so that step by step a point may be passed over.
Outcome die_at_each_step(const Life& life);

}  // namespace ndsharray::test
