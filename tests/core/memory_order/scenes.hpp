// SPDX-License-Identifier: BSD-3-Clause
// The scenes: each lets a few threads do with the core's code what writers and readers do, as little as shows
// a promise.
#pragma once

#include "world.hpp"

namespace ndsharray::model {

/// A scene, and what it is about.
struct NamedScene {
    const char* name;
    MakeScene make;
    unsigned fewer_deviations = 0;  // since it is long
};

template <typename Kind, typename... Arguments>
NamedScene scene(const char* name, Arguments... arguments) {
    return {name, [=] { return std::make_unique<Kind>(arguments...); }, 0};
}

/// One that is explored with a deviation fewer.
template <typename Kind, typename... Arguments>
NamedScene long_scene(const char* name, Arguments... arguments) {
    return {name, [=] { return std::make_unique<Kind>(arguments...); }, 1};
}

std::vector<NamedScene> slot_scenes();
std::vector<NamedScene> waiting_scenes();
std::vector<NamedScene> segment_scenes();
std::vector<NamedScene> follower_scenes();

/// All of them.
const std::vector<NamedScene>& all_scenes();

}  // namespace ndsharray::model
