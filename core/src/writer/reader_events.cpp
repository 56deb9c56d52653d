// SPDX-License-Identifier: BSD-3-Clause
// Tells an application by callbacks which readers of a writer attach and detach.
#include "writer/reader_events.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace ndsharray {
namespace {

constexpr LiveReader nobody{};

unsigned count(const LiveReaders& readers) {
    return static_cast<unsigned>(
        std::count_if(readers.begin(), readers.end(), [](const auto& reader) { return reader != nobody; }));
}

}  // namespace

void ReaderEvents::on_readers_changed(std::function<void(unsigned)> changed) {
    const std::lock_guard guard(mutex_);
    readers_changed_ = std::move(changed);
    known_count_ = 0;
}

void ReaderEvents::on_reader_change(std::function<void(const ReaderChange&)> changed) {
    const std::lock_guard guard(mutex_);
    reader_change_ = std::move(changed);
    known_ = {};
}

void ReaderEvents::tell(const TableOwner& table) {
    const std::lock_guard guard(mutex_);
    const unsigned readers = table.count_live();
    if (readers != std::exchange(known_count_, readers) && readers_changed_)
        readers_changed_(readers);
    if (reader_change_)
        for (const ReaderChange& change : changes_to(table.live()))
            reader_change_(change);
}

/// The changes since the last call: first the readers that detached, then those that attached.
std::vector<ReaderChange> ReaderEvents::changes_to(const LiveReaders& now) {
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
