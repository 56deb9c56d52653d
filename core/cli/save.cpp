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

struct SaveOptions {
    std::string tag;
    std::string file;
    std::string owner;
    std::uint64_t count = 0;  // 0: all
    bool follow = false;
    bool force = false;
    double timeout = 0;  // 0: for ever
};

/// Writes frames to files, a new one for each layout.
class Recording {
  public:
    explicit Recording(const SaveOptions& options)
        : options_(options), progress_(options.file, options.count) {
        if (!options.force && std::filesystem::exists(options.file))
            throw std::runtime_error(options.file + " is there already; --force overwrites it");
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

}  // namespace

void add_save(CLI::App& app, Command& chosen) {
    CLI::App* command = app.add_subcommand("save", "Saves the frames of a tag in a .npy file");
    auto options = std::make_shared<SaveOptions>();
    command->add_option("tag", options->tag, "the tag")->required()->check(check_tag)->type_name("TAG");
    command->add_option("file", options->file, "the file; it must not exist")
        ->required()
        ->type_name("FILE.npy");
    command->add_option("-c,--count", options->count, "ends after so many frames (default: all)")
        ->check(number_between(1, 1e18))
        ->type_name("N");
    command->add_flag("-f,--follow", options->follow, "goes on when the stream or the writer ends");
    command
        ->add_option("-t,--timeout", options->timeout, "ends if nothing comes for so long (default: waits)")
        ->check(number_between(0.001, 1e9))
        ->type_name("SECONDS");
    command->add_flag("--force", options->force, "overwrites files that exist");
    command->add_option("--owner", options->owner, "who must own it (default: you or root)")
        ->type_name("USER");
    command->footer(
        "The file holds one array of shape (frames, ...) for numpy.load. It can be read\n"
        "at any time while it grows, and after Ctrl-C. Takes every frame in order; a\n"
        "writer without backpressure does not wait for that, and what was missed is said.\n"
        "Waits for a writer that is not there yet. With --follow it goes on when the\n"
        "stream ends, the writer restarts or the layout changes; the last begins another\n"
        "file: film-2.npy, film-3.npy. Without, each of them ends it.\n"
        "\n"
        "Examples:\n"
        "  ndsh save cam0 film.npy --count 10\n"
        "  ndsh save cam0 day.npy --follow --timeout 2 --count 100 || test $? = 4");
    command->callback([&chosen, options] { chosen = [options] { return save(*options); }; });
}

}  // namespace ndsharray::cli
