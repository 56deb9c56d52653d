// SPDX-License-Identifier: BSD-3-Clause
// ndsh save: the frames of a tag as an array in a .npy file.
#include "commands.hpp"
#include "exit_code.hpp"
#include "file.hpp"
#include "npy_writer.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "signals.hpp"
#include "text.hpp"

#include <ndsharray/reader.hpp>
#include <ndsharray/tag_info.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace ndsharray::cli {
namespace {

/// Writes frames to files, a new one for each layout.
class Recording {
  public:
    explicit Recording(const SaveOptions& options)
        : options_(options), progress_(options.file, options.count) {
        if (!options.force && std::filesystem::exists(options.file))
            throw std::runtime_error(options.file + " exists already; --force overwrites it");
    }
    ~Recording() {
        try {
            close();
        } catch (const std::exception& error) {
            complain("{}", printable(error.what()));
        }
    }
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;

    /// \returns false if the frame is of another layout and was not taken.
    bool add(const Frame& frame) {
        if (file_ && !file_->accepts(frame.spec())) {
            if (!options_.follow)
                return false;
            close();
        }
        if (!file_)
            open(frame.spec());
        file_->append(frame.array());
        ++frames_;
        missed_ += frames_ > 1 ? frame.missed() : 0;
        progress_.show(frames_, file_->bytes());
        return true;
    }

    /// Completes the current file and says so.
    void close() {
        if (!file_)
            return;
        progress_.clear();
        auto file = std::exchange(file_, std::nullopt);
        file->finish();
        say(fmt::format("{}: {} frame{}, {}", file->path(), file->frames(), plural(file->frames()),
                        bytes_text(file->bytes())));
        if (std::exchange(reported_, missed_) != missed_)
            say(fmt::format("{} frame{} missed: the writer does not wait for readers (backpressure)", missed_,
                            plural(missed_)));
    }

    void say(std::string_view text) {
        progress_.clear();
        complain("{}", printable(text));
    }

    std::uint64_t frames() const noexcept { return frames_; }
    bool complete() const noexcept { return options_.count > 0 && frames_ >= options_.count; }

  private:
    void open(const ArraySpec& spec) {
        std::filesystem::path path(options_.file);
        if (++files_ > 1)  // film.npy, film-2.npy, ...
            path.replace_filename(path.stem().string() + "-" + std::to_string(files_) +
                                  path.extension().string());
        file_.emplace(options_.force ? File::replace(path) : File::create(path), spec);
    }

    const SaveOptions& options_;
    Progress progress_;
    std::optional<NpyWriter> file_;
    unsigned files_ = 0;
    std::uint64_t frames_ = 0;
    std::uint64_t missed_ = 0;
    std::uint64_t reported_ = 0;
};

std::optional<std::chrono::nanoseconds> timeout_of(const SaveOptions& options) {
    if (options.timeout <= 0)
        return std::nullopt;
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(options.timeout));
}

/// Whether the tag has a living writer; also if that cannot be known.
bool is_written(const SaveOptions& options) {
    try {
        return inspect(options.tag, options.owner).alive;
    } catch (const Error& error) {
        return error.code() != ErrorCode::NoSuchTag;
    }
}

/// Takes frames until there is a reason to stop. \returns the exit code.
int record(Reader& reader, const SaveOptions& options, Recording& recording) {
    const int ended_early = options.count > 0 ? incomplete : success;
    while (!recording.complete()) {
        const Frame frame = reader.read(timeout_of(options));
        switch (frame.status()) {
            case ReadStatus::Frame:
                if (recording.add(frame))
                    break;
                recording.say("the layout changed to " + frame.spec().to_string() +
                              "; --follow goes on in another file");
                return ended_early;
            case ReadStatus::EndOfStream:
            case ReadStatus::Disconnected:
                if (options.follow)
                    break;
                recording.say(frame.status() == ReadStatus::EndOfStream ? "the stream ended"
                                                                        : "the writer went away");
                return recording.frames() == 0 ? incomplete : ended_early;
            case ReadStatus::Timeout:
                recording.say(fmt::format("no frame for {} s", options.timeout));
                return incomplete;
            case ReadStatus::Cancelled:
                return success;  // the signal says the rest
            case ReadStatus::Failed:
                throw reader.error();
        }
    }
    return success;
}

}  // namespace

int save(const SaveOptions& options) {
    Signals signals;
    int result = success;
    {
        Reader reader(options.tag, {.mode = ReadMode::Every, .max_leases = 2, .owner = options.owner});
        Recording recording(options);
        if (!is_written(options))
            recording.say("waiting for tag " + options.tag);
        signals.handle({[&] { reader.cancel(); }});
        const std::shared_ptr<void> no_handlers(nullptr, [&](void*) { signals.handle({}); });
        result = record(reader, options, recording);
        recording.close();
    }
    end_by(signals.ended_by());
    return result;
}

}  // namespace ndsharray::cli
