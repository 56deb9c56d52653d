// SPDX-License-Identifier: BSD-3-Clause
// What ndsh-mirror says of a tag from time to time.
#pragma once

#include "follower.hpp"

#include <string>

namespace ndsharray::mirror {

/// Rate, losses, age and clock between two looks, `seconds` apart.
std::string report(const FollowerState& before, const FollowerState& now, double seconds);

/// A sentence if the link is too small for what is asked, with the bit rates that are needed and possible.
std::string link_problem(const FollowerOptions& options, const FollowerState& before,
                         const FollowerState& now, double seconds);

}  // namespace ndsharray::mirror
