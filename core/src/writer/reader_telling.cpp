// SPDX-License-Identifier: BSD-3-Clause
// Tells an application, by its callbacks, which readers of a writer come and go.
#include "writer/reader_telling.hpp"

#include <utility>

namespace ndsharray {

void ReaderTelling::on_readers_changed(std::function<void(unsigned)> changed) {
    const std::lock_guard guard(mutex_);
    readers_changed_ = std::move(changed);
    known_readers_ = 0;
}

void ReaderTelling::on_reader_change(std::function<void(const ReaderChange&)> changed) {
    const std::lock_guard guard(mutex_);
    reader_change_ = std::move(changed);
    roster_.forget();
}

void ReaderTelling::tell(const TableOwner& table) {
    const std::lock_guard guard(mutex_);
    const unsigned readers = table.count_live();
    if (readers != std::exchange(known_readers_, readers) && readers_changed_)
        readers_changed_(readers);
    if (reader_change_)
        for (const ReaderChange& change : roster_.update(table.live()))
            reader_change_(change);
}

}  // namespace ndsharray
