// SPDX-License-Identifier: BSD-3-Clause
// The tags that hold the memory of a directory, for an error that says that there is too little memory.
#include "protocol/memory_holders.hpp"

#include "platform/platform.hpp"
#include "protocol/files.hpp"
#include "protocol/layout.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace ndsharray {
namespace {

/// Number of tags that are named.
constexpr std::size_t most_named = 3;

struct Holder {
    std::string tag;
    std::uint64_t bytes = 0;
};

/// The tags that have segments in a directory, the one with most memory first.
std::vector<Holder> holders_in(const std::string& directory) {
    std::map<std::string, std::uint64_t> bytes_of;
    for (const std::string& name : platform::list_directory(directory).names) {
        const auto tag = tag_of(name);
        const auto status =
            tag && is_segment(name) ? platform::status_of(directory + "/" + name) : std::nullopt;
        if (status)
            bytes_of[*tag] += status->allocated_bytes;
    }
    std::vector<Holder> holders;
    for (const auto& [tag, bytes] : bytes_of)
        holders.push_back({tag, bytes});
    std::sort(holders.begin(), holders.end(),
              [](const Holder& a, const Holder& b) { return a.bytes > b.bytes; });
    return holders;
}

/// Whether the tag's files are left over. False if this cannot be known.
bool has_dead_writer(const std::string& directory, const std::string& tag) {
    const std::string control = directory + "/" + std::string(file_prefix) + tag;
    const platform::Opened opened = platform::open_existing(control, platform::Access::ReadOnly);
    return opened.error == 0 && !platform::is_locked(opened.file.number(), layout::writer_lock_byte);
}

std::string megabytes(std::uint64_t bytes) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f MB", static_cast<double>(bytes) / 1e6);
    return text.data();
}

}  // namespace

Error with_memory_holders(const Error& error, const std::string& directory) {
    const std::vector<Holder> holders = holders_in(directory);
    if (holders.empty())
        return error;
    std::string text = error.what();
    bool any_dead = false;
    for (std::size_t i = 0; i < std::min(holders.size(), most_named); ++i) {
        const bool dead = has_dead_writer(directory, holders[i].tag);
        any_dead |= dead;
        text += (i == 0 ? "; memory is held by tag \"" : ", \"") + printable(holders[i].tag) + "\" (" +
                megabytes(holders[i].bytes) + (dead ? ", its writer died)" : ")");
    }
    if (holders.size() > most_named)
        text += " and " + std::to_string(holders.size() - most_named) + " more";
    text += any_dead ? "; `ndsh prune` frees what dead writers left" : "; it is free when their writers end";
    return {error.code(), text};
}

}  // namespace ndsharray
