// SPDX-License-Identifier: BSD-3-Clause
// Keeps the thread of this process that watches files, so that it takes no events.
#pragma once

#include "remote.hpp"

#include <ndsharray/writer.hpp>

#include <atomic>

namespace ndsharray::test {

/// The thread is in a callback of a writer as long as this lives, or until let_go().
class BusyWatchingThread {
  public:
    BusyWatchingThread() {
        writer_.on_reader_change([this](const ReaderChange&) {
            called_ = true;
            called_.notify_all();
            let_go_.wait(false);
        });
        is_busy_ = attach(reader_, writer_);
        if (is_busy_)
            called_.wait(false);
    }
    ~BusyWatchingThread() {
        let_go();
        writer_.on_reader_change({});
    }
    BusyWatchingThread(const BusyWatchingThread&) = delete;
    BusyWatchingThread& operator=(const BusyWatchingThread&) = delete;

    bool is_busy() const noexcept { return is_busy_; }
    void let_go() noexcept {
        let_go_ = true;
        let_go_.notify_all();
    }

  private:
    std::atomic<bool> called_{false};
    std::atomic<bool> let_go_{false};
    bool is_busy_ = false;
    Writer writer_{"busy"};
    RemoteReader reader_{"busy"};
};

}  // namespace ndsharray::test
