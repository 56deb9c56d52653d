// SPDX-License-Identifier: BSD-3-Clause
// Keys of CURVE: who may mirror, and whom a mirror believes.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ndsharray::mirror {

/// Of the machine that shares: its own keys and the public keys of those who may mirror. Text in Z85.
struct ShareKeys {
    std::string secret{};
    std::string public_key{};
    std::vector<std::string> mirrors{};
};

/// Of a machine that mirrors.
struct MirrorKeys {
    std::string secret{};
    std::string public_key{};
    std::string share{};  ///< public key of the one that shares
};

/// $XDG_CONFIG_HOME/ndsharray, or ~/.config/ndsharray.
std::string key_folder();

/// Makes share.key and mirror.key in a folder. Both are for the owner alone.
/// \throws Error System: they cannot be written, or are there already.
void make_keys(const std::string& folder);

/// Reads such a file. A file that is missing is an error only if it `must_be`.
/// \throws Error Damaged: it is no such file; PermissionDenied: others may read it.
std::optional<ShareKeys> read_share_keys(const std::string& path, bool must_be);
std::optional<MirrorKeys> read_mirror_keys(const std::string& path, bool must_be);

}  // namespace ndsharray::mirror
