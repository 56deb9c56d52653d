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

/// Looks at a link from time to time, and tells once that it is too small: when it was so for two looks. What
/// is missing shows when a frame comes, so a look is from frame to frame, however long one takes.
class LinkLooks {
  public:
    /// \param seconds since the last call.
    /// \returns a sentence, or nothing.
    std::string look(const FollowerOptions& options, const FollowerState& now, double seconds);

  private:
    FollowerState before_{};
    double seconds_ = 0;
    unsigned looks_ = 0;        // since before_
    unsigned small_looks_ = 0;  // in a row
    bool told_ = false;
};

}  // namespace ndsharray::mirror
