// SPDX-License-Identifier: BSD-3-Clause
// What happened to tags between two looks: frames per second and losses, from their counters.
#pragma once

#include <ndsharray/tag_info.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ndsharray::cli {

/// A reader, and what it did since the look before.
struct ReaderRates {
    TagReader now;
    double frames = 0;         // per second
    double missed = 0;         // per second
    double copied = 0;         // per second
    std::uint64_t behind = 0;  // frames published that it has not taken yet
};

/// A tag, and what happened there since the look before.
struct TagRates {
    TagInfo now;
    double frames = 0;  // per second
    std::vector<ReaderRates> readers;
};

/// Compares each look with the one before. The first, and that at a new writer or reader, compares with
/// nothing: the tag's own rate is taken, and of a reader nothing is known yet.
class RateMeter {
  public:
    std::vector<TagRates> measure(std::vector<TagInfo> tags);

  private:
    struct Look {
        std::chrono::steady_clock::time_point when;
        TagInfo info;
    };

    TagRates compare(TagInfo info, std::chrono::steady_clock::time_point now) const;

    std::map<std::string, Look> before_;
};

}  // namespace ndsharray::cli
