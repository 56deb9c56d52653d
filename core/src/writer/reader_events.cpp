// SPDX-License-Identifier: BSD-3-Clause
// Tells an application by a callback which readers of a writer attach and detach.
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

void ReaderEvents::on_reader_change(std::function<void(const ReaderChange&)> changed) {
    const std::lock_guard guard(mutex_);
    reader_change_ = std::move(changed);
    known_ = {};
}

/// First the readers that detached, then those that attached. Needs no memory.
void ReaderEvents::tell(const TableOwner& table) noexcept {
    using Kind = ReaderChange::Kind;
    const std::lock_guard guard(mutex_);
    if (!reader_change_)
        return;
    const LiveReaders now = table.live();
    const LiveReaders before = std::exchange(known_, now);
    unsigned readers = count(before);
    for (std::size_t i = 0; i < now.size(); ++i)
        if (before[i] != now[i] && before[i] != nobody)
            call(Kind::Removed, before[i], --readers);
    for (std::size_t i = 0; i < now.size(); ++i)
        if (before[i] != now[i] && now[i] != nobody)
            call(Kind::Added, now[i], ++readers);
}

void ReaderEvents::call(ReaderChange::Kind kind, const LiveReader& reader, unsigned readers) noexcept {
    try {
        reader_change_(ReaderChange{kind, reader.pid, readers});
    } catch (...) {
        // The next change is reported all the same.
        failed_.fetch_add(1, std::memory_order_relaxed);
    }
}

}  // namespace ndsharray
