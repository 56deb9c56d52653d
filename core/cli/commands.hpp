// SPDX-License-Identifier: BSD-3-Clause
// The commands of ndsh, and what each can be told. command_line.cpp has their options as users know them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ndsharray::cli {

struct ListOptions {
    bool all = false;
    bool json = false;
    bool names_only = false;
    std::string owner;
};

struct InfoOptions {
    std::string tag;
    std::string owner;
    bool json = false;
};

struct WatchOptions {
    std::string tag;
    std::string owner;
    double interval = 1;
    std::uint64_t count = 0;  // 0: for ever
};

struct SaveOptions {
    std::string tag;
    std::string file;
    std::string owner;
    std::uint64_t count = 0;  // 0: all
    bool follow = false;
    bool force = false;
    double timeout = 0;  // 0: for ever
};

struct PublishOptions {
    std::string tag;
    std::string file;
    std::string permissions = "0600";
    double rate = 30;
    unsigned slots = 0;
    bool loop = false;
    bool backpressure = false;
    bool wait_for_reader = false;
};

struct PruneOptions {
    std::vector<std::string> tags;
    bool dry_run = false;
    bool all_users = false;
};

/// Lists the tags that are written now. \returns the exit code.
int list(const ListOptions& options);
/// Shows everything about a tag. \returns the exit code.
int info(const InfoOptions& options);
/// Shows speed, latency and losses, again and again. \returns the exit code.
int watch(const WatchOptions& options);
/// Saves the frames of a tag in a .npy file. \returns the exit code.
int save(const SaveOptions& options);
/// Publishes the array of a .npy file, frame by frame. \returns the exit code.
int publish(const PublishOptions& options);
/// Removes what crashed writers left behind. \returns the exit code.
int prune(const PruneOptions& options);

}  // namespace ndsharray::cli
