// SPDX-License-Identifier: BSD-3-Clause
// Tells an application, by its callbacks, which readers of a writer come and go.
#pragma once

#include "protocol/reader_table.hpp"

#include <ndsharray/writer.hpp>

#include <functional>
#include <mutex>
#include <vector>

namespace ndsharray {

/// Any thread. No callback runs any more once another one, or none, was set.
class ReaderEvents {
  public:
    /// Who is there by then counts as new for a callback that is set.
    void on_readers_changed(std::function<void(unsigned)> changed);
    void on_reader_change(std::function<void(const ReaderChange&)> changed);

    /// Calls back if readers came or went since the last time.
    void tell(const TableOwner& table);

  private:
    std::vector<ReaderChange> changes_to(const LiveReaders& now);

    std::mutex mutex_;  // of this process only; held while a callback runs, and by nobody else for long
    std::function<void(unsigned)> readers_changed_;
    std::function<void(const ReaderChange&)> reader_change_;
    unsigned known_count_ = 0;
    LiveReaders known_{};
};

}  // namespace ndsharray
