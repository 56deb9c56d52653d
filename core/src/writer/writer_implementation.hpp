// SPDX-License-Identifier: BSD-3-Clause
// The writer of a tag: what is behind the public face.
#pragma once

#include "process/file_watcher.hpp"
#include "process/fork_guard.hpp"
#include "protocol/control.hpp"
#include "protocol/files.hpp"
#include "protocol/reader_table.hpp"
#include "protocol/slots.hpp"
#include "v1/writer.hpp"
#include "writer/reader_telling.hpp"
#include "writer/segments.hpp"
#include "writer/wait_for_readers.hpp"

#include <ndsharray/writer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace ndsharray {

class Writer::Implementation {
  public:
    using Timeout = std::optional<std::chrono::nanoseconds>;
    using Lock = std::unique_lock<std::mutex>;

    Implementation(const std::string& tag, WriterOptions options);
    ~Implementation() { close(); }

    WriteStatus configure(const ArraySpec& spec, const Attributes& attributes, unsigned slots,
                          Timeout timeout);
    WritableFrame acquire(Timeout timeout);
    WritableFrame acquire(const ArraySpec& spec, Timeout timeout);
    WritableFrame acquire_pinned(Timeout timeout);
    std::uint64_t publish(WritableFrame& frame, FrameInfo info, std::span<const std::byte> metadata);
    WriteStatus wait_for_reader(Timeout timeout);
    WriteStatus drain(Timeout timeout);
    void end_of_stream();
    void cancel() noexcept { wait_.cancel(); }
    void resume() noexcept { wait_.resume(); }
    void close();
    void on_readers_changed(std::function<void(unsigned)> changed);
    void on_reader_change(std::function<void(const ReaderChange&)> changed);

    const std::string& tag() const noexcept { return files_.tag(); }
    const WriterOptions& options() const noexcept { return options_; }
    std::string segment_name() const;
    WriterStats stats() const;
    bool inherited() const noexcept { return made_under_ != fork_count(); }
    Error error() const;

  private:
    const Segments::Pointer& current() const noexcept { return segments_.current(); }
    const Segments::Pointer& announced() const noexcept { return segments_.announced(); }
    void require_usable() const;
    void require_open() const;
    WriteStatus reconfigure(const ArraySpec& spec, Timeout timeout);
    bool make_segment(const ArraySpec& spec, const Attributes& attributes, unsigned slots);
    void open_compat();
    void open_table();
    layout::WriterState state() const noexcept {
        // Relaxed: only we write it.
        return static_cast<layout::WriterState>(control_.words().state.load(std::memory_order_relaxed));
    }
    void set_state(layout::WriterState state);
    bool has_lost_files() const noexcept;
    bool was_cut() const noexcept;
    void watch_files();
    void look_for_names();
    bool start_anew(Lock& lock) noexcept;
    void make_files_anew();
    void leave(layout::WriterState last);
    std::shared_ptr<TableOwner> table() const;
    template <typename Claim>
    WritableFrame claim_prepared(Lock& lock, Claim claim);
    bool readers_took_all() const noexcept;
    template <typename Ready>
    WriteStatus wait_for_readers(Lock& lock, const platform::Deadline& deadline,
                                 std::chrono::nanoseconds look, Ready ready);
    void readers_came_or_went();

    const WriterOptions options_;
    const slots::ClaimRules rules_;
    const std::uint32_t made_under_ = fork_count();
    TagFiles files_;
    ControlOwner control_;
    std::shared_ptr<TableOwner> table_;
    WaitForReaders wait_;

    mutable std::mutex mutex_;  // of this process only; guards all below
    bool closed_ = false;
    Error error_{ErrorCode::None, ""};  // what closed it, if nobody did
    bool names_missed_ = false;         // at the last look
    bool names_lost_ = false;
    Segments segments_{files_, control_, options_, rules_.others_copy};
    std::optional<v1::Writer> v1_;
    std::uint64_t published_ = 0;  // number of the last frame: goes on from a dead writer's
    WriterStats counted_;

    ReaderTelling telling_;
    FileWatcher::Watch control_watch_;  // last, like the other: their callbacks use the rest
    FileWatcher::Watch table_watch_;
};

}  // namespace ndsharray
