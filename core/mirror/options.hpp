// SPDX-License-Identifier: BSD-3-Clause
// What ndsh-share and ndsh-mirror were told, and whether that is safe.
#pragma once

#include "engine.hpp"
#include "follower.hpp"
#include "keys.hpp"
#include "share.hpp"

#include <optional>
#include <string>
#include <vector>

namespace ndsharray::mirror {

struct ShareCommand {
    ShareOptions share{};
    bool make_keys = false;
    std::string key_folder{};
};

struct MirrorCommand {
    Address address{};
    std::optional<MirrorKeys> keys{};
    std::vector<FollowerOptions> tags{};  ///< none: lists what can be had
    double interval = 10;                 ///< seconds between two lines of each tag; 0: none
};

/// Nothing if the program is to end with `exit_code`: help was asked for, or something is wrong and was told.
/// \throws Error of keys that cannot be read.
std::optional<ShareCommand> parse_share(int argc, char** argv, int& exit_code);
std::optional<MirrorCommand> parse_mirror(int argc, char** argv, int& exit_code);

/// The tag that a tag gets here: HOST.TAG, or HOST-PORT.TAG where the port is not the usual one.
std::string tag_here(const Address& address, const std::string& tag);

}  // namespace ndsharray::mirror
