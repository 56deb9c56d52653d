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

template <typename Callback, typename Change>
void ReaderEvents::call(const Callback& callback, const Change& change) noexcept {
    try {
        callback(change);
    } catch (...) {
        // It is told of the next change all the same.
        failed_.fetch_add(1, std::memory_order_relaxed);
    }
}

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

void ReaderEvents::tell(const TableOwner& table) noexcept {
    const std::lock_guard guard(mutex_);
    const unsigned readers = table.count_live();
    if (readers != std::exchange(known_count_, readers) && readers_changed_)
        call(readers_changed_, readers);
    if (reader_change_)
        tell_of_changes(table.live());
}

/// The changes since the last call: first the readers that detached, then those that attached. Needs no
/// memory.
void ReaderEvents::tell_of_changes(const LiveReaders& now) noexcept {
    const LiveReaders before = std::exchange(known_, now);
    unsigned readers = count(before);
    for (std::size_t i = 0; i < now.size(); ++i)
        if (before[i] != now[i] && before[i] != nobody)
            call(reader_change_, ReaderChange{ReaderChange::Kind::Removed, before[i].pid, --readers});
    for (std::size_t i = 0; i < now.size(); ++i)
        if (before[i] != now[i] && now[i] != nobody)
            call(reader_change_, ReaderChange{ReaderChange::Kind::Added, now[i].pid, ++readers});
}

}  // namespace ndsharray
