// SPDX-License-Identifier: BSD-3-Clause
// The implementation of Writer: layouts, frames, and waiting for readers.
#pragma once

#include "process/file_watcher.hpp"
#include "process/fork_guard.hpp"
#include "protocol/control.hpp"
#include "protocol/files.hpp"
#include "protocol/reader_table.hpp"
#include "protocol/slots.hpp"
#include "v1/writer.hpp"
#include "writer/reader_events.hpp"
#include "writer/segments.hpp"
#include "writer/wait_for_readers.hpp"

#include <ndsharray/writer.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace ndsharray {

class [[gnu::visibility("hidden")]] Writer::Implementation {
  public:
    using Timeout = std::optional<std::chrono::nanoseconds>;
    using Lock = std::unique_lock<std::mutex>;

    Implementation(const std::string& tag, WriterOptions options);
    ~Implementation() {
        close();
    }

    WriteStatus configure(const ArraySpec& spec, const Attributes& attributes, unsigned slots,
                          Timeout timeout);
    WritableFrame acquire(Timeout timeout);
    WritableFrame acquire(const ArraySpec& spec, Timeout timeout);
    WritableFrame acquire_pinned(Timeout timeout);
    std::uint64_t publish(WritableFrame & frame, FrameInfo info, std::span<const std::byte> metadata);
    WriteStatus wait_for_reader(Timeout timeout);
    WriteStatus drain(Timeout timeout);
    void end_of_stream();
    void cancel() noexcept {
        wait_.cancel();
    }
    void resume() noexcept {
        wait_.resume();
    }
    void close();
    void on_reader_change(std::function<void(const ReaderChange&)> changed);

    const std::string& tag() const noexcept {
        return files_.tag();
    }
    const WriterOptions& options() const noexcept {
        return options_;
    }
    std::string segment_name() const;
    WriterStats stats() const;
    unsigned missing_slots() const noexcept {
        return missing_slots_.load(std::memory_order_relaxed);
    }
    bool inherited() const noexcept {
        return made_under_ != fork_count();
    }
    Error error() const;

  private:
    const Segments::Pointer& current() const noexcept {
        return segments_.current();
    }
    const Segments::Pointer& announced() const noexcept {
        return segments_.announced();
    }
    void require_usable() const;
    void require_open() const;
    WriteStatus reconfigure(const ArraySpec& spec, Timeout timeout);
    bool make_segment(const ArraySpec& spec, const Attributes& attributes, unsigned slots);
    void open_compat();
    void open_table();
    layout::WriterState state() const noexcept {
        // Relaxed: only this writer stores it.
        return static_cast<layout::WriterState>(control_.words().state.load(std::memory_order_relaxed));
    }
    void set_state(layout::WriterState state);
    bool has_lost_names() const noexcept;
    bool has_lost_files() const noexcept;
    bool was_cut() const noexcept;
    struct Names;
    void watch_files();
    void look_for_names(Names & names) noexcept;
    WriteStatus replace_lost_files(Lock & lock, const platform::Deadline& deadline);
    bool start_anew(Lock & lock) noexcept;
    void make_files_anew();
    void leave(layout::WriterState last);
    std::shared_ptr<TableOwner> table() const;
    void set_number_and_time(FrameInfo & info) noexcept;
    bool readers_took_all() const noexcept;
    template <typename Ready>
    WriteStatus wait_for_readers(Lock & lock, const platform::Deadline& deadline,
                                 std::chrono::nanoseconds look, Ready ready);
    void readers_came_or_went();
    void set_error(const Error& error);
    void show_segment() noexcept;
    void note_missing_slots() noexcept;

    const WriterOptions options_;
    const slots::ClaimRules rules_;
    const std::uint32_t made_under_ = fork_count();
    TagFiles files_;
    ControlOwner control_;
    WaitForReaders wait_;

    // Both mutexes are of this process only. mutex_ guards the writing. It is held while files and memory are
    // made, even if the kernel takes long. shown_mutex_ is for stats(), for error(), and for the watching
    // thread, which all tags of the process share. It is never held during a long system call.
    mutable std::mutex mutex_;
    mutable std::mutex shown_mutex_;

    // Changed with both mutexes held. shown_mutex_ is taken second.
    std::shared_ptr<TableOwner> table_;
    Error error_{ErrorCode::None, ""};  // why the writer closed itself

    // Guarded by shown_mutex_.
    struct {
        std::uint32_t generation = 0;
        std::string segment{};
    } shown_;

    // Changed with mutex_ held. Each is read by itself, so relaxed.
    std::atomic<bool> closed_{false};
    std::atomic<std::uint64_t> frames_dropped_{0};
    std::atomic<std::uint32_t> usable_slots_{0};
    std::atomic<std::uint32_t> missing_slots_{0};

    // `Every` readers of files that were lost, which are to attach again. Guarded by mutex_.
    struct {
        unsigned count = 0;
        std::chrono::steady_clock::time_point until{};
    } former_readers_;

    // Guarded by mutex_.
    std::shared_ptr<Names> names_;
    Segments segments_{files_, control_, options_};
    std::optional<v1::Writer> v1_;
    std::uint64_t published_ = 0;  // number of the last frame; follows the numbers of a dead writer
    std::atomic<std::uint64_t> frames_published_{0};  // any thread looks, so relaxed

    ReaderEvents events_;
    FileWatcher::Watch directory_watch_;  // these three are last: their callbacks use the members above
    FileWatcher::Watch control_watch_;
    FileWatcher::Watch table_watch_;
};

}  // namespace ndsharray
