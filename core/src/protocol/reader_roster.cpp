// SPDX-License-Identifier: BSD-3-Clause
// Who read a tag at the last look: which readers came and went since then.
#include "protocol/reader_roster.hpp"

#include <algorithm>

namespace ndsharray {
namespace {

constexpr LiveReader nobody{};

unsigned count(const ReaderRoster::Places& places) {
    return static_cast<unsigned>(
        std::count_if(places.begin(), places.end(), [](const auto& place) { return place != nobody; }));
}

}  // namespace

std::vector<ReaderChange> ReaderRoster::update(const Places& now) {
    std::vector<ReaderChange> changes;
    unsigned readers = count(known_);
    for (std::size_t i = 0; i < now.size(); ++i)
        if (known_[i] != now[i] && known_[i] != nobody)
            changes.push_back({ReaderChange::Kind::Removed, known_[i].pid, --readers});
    for (std::size_t i = 0; i < now.size(); ++i)
        if (known_[i] != now[i] && now[i] != nobody)
            changes.push_back({ReaderChange::Kind::Added, now[i].pid, ++readers});
    known_ = now;
    return changes;
}

}  // namespace ndsharray
