// SPDX-License-Identifier: BSD-3-Clause
// The implementation of Reader: waiting for frames, and following the writers of a tag.
#pragma once

#include "process/file_watcher.hpp"
#include "process/fork_guard.hpp"
#include "process/interrupt.hpp"
#include "protocol/files.hpp"
#include "protocol/layout.hpp"
#include "reader/attachment.hpp"
#include "v1/reader.hpp"

#include <ndsharray/reader.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace ndsharray {

class [[gnu::visibility("hidden")]] Reader::Implementation {
  public:
    using Timeout = std::optional<std::chrono::nanoseconds>;

    Implementation(const std::string& tag, ReaderOptions options);
    ~Implementation() {
        leave();
    }

    Frame read(Timeout timeout) noexcept;
    void cancel() noexcept {
        interrupt_.cancel();
    }
    void resume() noexcept {
        interrupt_.resume();
    }
    void suspend(bool suspended) noexcept;

    const std::string& tag() const noexcept {
        return files_.tag();
    }
    ReadMode mode() const noexcept {
        return options_.mode;
    }
    bool attached() const noexcept {
        return writer_lives_.load(std::memory_order_relaxed);
    }
    bool backpressure() const noexcept {
        return backpressure_.load(std::memory_order_relaxed);
    }
    ReaderStats stats() const;
    Error error() const;
    Error obstacle() const;

    bool inherited() const noexcept {
        return made_under_ != fork_count();
    }

  private:
    Frame wait_for_frame(const platform::Deadline& deadline);
    Frame fail(const Error& error) noexcept;

    void watch_directory();
    bool is_watched() const noexcept {
        return directory_watch_ && v1_watch_ && (!attachment_ || attachment_->is_watched());
    }
    void attach();
    void leave() noexcept;
    void lose_writer() noexcept;
    void meet_writer();
    void follow_replacement();
    void follow_takeover();

    Frame look();
    Frame look_for_end(layout::WriterState state);
    std::optional<Frame> look_for_end_in(layout::WriterState state);
    void look_for_cut_control() const;
    Frame next();
    void show(const std::string& segment, std::uint32_t generation) noexcept;
    Frame next_of_v1();

    const ReaderOptions options_;
    const Owner owner_;
    const std::uint32_t made_under_ = fork_count();
    const TagFiles files_;
    Interrupt interrupt_;
    v1::Reader v1_;  // only for the thread that reads

    // The watching thread sets these, and read() reads them.
    std::atomic<bool> check_path_{false};
    std::atomic<bool> check_death_{false};

    // read() sets these, and any thread reads them.
    std::atomic<bool> writer_lives_{false};
    std::atomic<bool> backpressure_{false};

    DeliveryCounts counts_;

    // Only for the thread that reads.
    bool met_writer_ = false;
    bool reads_v1_ = false;               // the last frame came from 1.x
    std::uint32_t shown_generation_ = 0;  // of the attachment, as far as stats() shows it

    mutable std::mutex mutex_;  // of this process only; read() holds it to change the next four
    std::unique_ptr<Attachment> attachment_;
    bool suspended_ = false;
    ReaderStats stats_;  // without what counts_ counts
    Error error_{ErrorCode::None, ""};

    FileWatcher::Watch directory_watch_;  // these two are last: their callbacks use the members above
    FileWatcher::Watch v1_watch_;
};

}  // namespace ndsharray
