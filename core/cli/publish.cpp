// SPDX-License-Identifier: BSD-3-Clause
// ndsh publish: the array of a .npy file as frames of a tag.
#include "commands.hpp"
#include "exit_code.hpp"
#include "file.hpp"
#include "npy.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "signals.hpp"
#include "text.hpp"

#include <ndsharray/writer.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace ndsharray::cli {
namespace {

using Clock = std::chrono::steady_clock;
using Nanoseconds = std::chrono::nanoseconds;

/// How long readers may take for the last frame, where the writer waits for them at all.
constexpr std::chrono::seconds drain_time{5};

struct PublishOptions {
    std::string tag;
    std::string file;
    std::string permissions = "0600";
    double rate = 30;
    unsigned slots = 0;
    bool loop = false;
    bool backpressure = false;
    bool wait_for_reader = false;
};

/// The frames of a .npy file, read one by one: the file may be larger than memory.
class Film {
  public:
    explicit Film(const std::string& path) : file_(File::open(path)) {
        const std::uint64_t bytes = file_.size();
        std::string start(npy_header_look, '\0');
        start.resize(file_.read(0, std::as_writable_bytes(std::span(start))));
        try {
            content_ = parse_npy_header(start, bytes);
        } catch (const std::runtime_error& error) {
            throw std::runtime_error(path + " cannot be published: " + error.what());
        }
        spec_ = content_.frame;
        spec_.byte_order = native_byte_order;  // see read()
    }

    std::uint64_t frames() const noexcept { return content_.frames; }
    const ArraySpec& spec() const noexcept { return spec_; }

    /// Reads a frame, in the byte order of this machine.
    void read(std::uint64_t frame, std::byte* to) const {
        const std::span bytes(to, static_cast<std::size_t>(spec_.bytes));
        if (file_.read(content_.data_offset + frame * spec_.bytes, bytes) != bytes.size())
            throw std::runtime_error(file_.path() + " was cut off while it was published");
        if (content_.frame.byte_order != native_byte_order)
            swap_bytes(to, spec_);
    }

  private:
    File file_;
    NpyContent content_;
    ArraySpec spec_;
};

FrameInfo info_of(std::uint64_t frame, Nanoseconds interval) {
    FrameInfo info;
    info.offset = frame;
    info.offset_end = frame + 1;
    if (interval.count() > 0) {
        info.stream_pts = static_cast<std::int64_t>(frame) * interval.count();
        info.duration = interval.count();
    }
    return info;
}

/// Publishes frames until the end, or until the program is to end. \returns how many had no slot.
std::uint64_t play(const Film& film, Writer& writer, const PublishOptions& options, Signals& signals) {
    const Nanoseconds interval(options.rate > 0 ? std::llround(1e9 / options.rate) : 0);
    Progress progress(options.file, options.loop ? 0 : film.frames());
    std::uint64_t dropped = 0;
    auto next = Clock::now();
    for (std::uint64_t frame = 0; options.loop || frame < film.frames(); ++frame) {
        if (signals.ended())
            return dropped;
        WritableFrame slot = writer.acquire();
        if (slot) {
            film.read(frame % film.frames(), slot.data());
            writer.publish(std::move(slot), info_of(frame, interval));
        } else if (slot.status() == WriteStatus::NoSlot) {
            ++dropped;  // readers hold everything
        }
        progress.show(frame + 1, (frame + 1) * film.spec().bytes);
        // A frame that is late does not make the next ones hurry.
        next = std::max(next + interval, Clock::now());
        while (interval.count() > 0 && signals.sleep_until(next) == Signals::Woken::Redraw) {
        }
    }
    writer.end_of_stream();
    if (options.backpressure)
        writer.drain(drain_time);
    return dropped;
}

int publish(const PublishOptions& options) {
    Signals signals;
    {
        const Film film(options.file);
        Writer writer(options.tag,
                      {.slots = options.slots,
                       .permissions = static_cast<unsigned>(std::stoul(options.permissions, nullptr, 8)),
                       .backpressure = options.backpressure});
        writer.configure(film.spec());
        signals.handle({[&] { writer.cancel(); }});
        const std::shared_ptr<void> no_handlers(nullptr, [&](void*) { signals.handle({}); });
        if (options.wait_for_reader)
            writer.wait_for_reader();
        if (const std::uint64_t dropped = play(film, writer, options, signals); dropped > 0)
            complain("{} frame{} dropped: readers held every slot; more --slots help", dropped,
                     plural(dropped));
    }
    end_by(signals.ended_by());
    return success;
}

std::string check_mode(const std::string& text) {
    const bool octal =
        !text.empty() && text.size() <= 4 && text.find_first_not_of("01234567") == std::string::npos;
    return octal && std::stoul(text, nullptr, 8) <= 0777 ? "" : "a file mode is octal, from 0 to 0777";
}

}  // namespace

void add_publish(CLI::App& app, Command& chosen) {
    CLI::App* command = app.add_subcommand("publish", "Publishes the array of a .npy file, frame by frame");
    auto options = std::make_shared<PublishOptions>();
    command->add_option("tag", options->tag, "the tag")->required()->check(check_tag)->type_name("TAG");
    command->add_option("file", options->file, "the file; its array's first axis counts frames")
        ->required()
        ->type_name("FILE.npy");
    command->add_option("-r,--rate", options->rate, "frames per second; 0: no pause (default: 30)")
        ->check(number_between(0.0, 1e6))
        ->type_name("FPS");
    command->add_flag("-l,--loop", options->loop, "starts again at the end, until Ctrl-C");
    command->add_flag("-b,--backpressure", options->backpressure, "waits for readers that take every frame");
    command->add_flag("-w,--wait-for-reader", options->wait_for_reader,
                      "holds the first frame until a reader comes");
    command->add_option("--slots", options->slots, "frames in shared memory, 3 to 32 (default: 8)")
        ->check(number_between(3, 32))
        ->type_name("N");
    command->add_option("--permissions", options->permissions, "mode of the files, octal (default: 0600)")
        ->check(check_mode)
        ->type_name("MODE");
    command->footer(
        "The file may be larger than memory. Numbers are published in the byte order of\n"
        "this machine, whatever that of the file is; Fortran order, records and strings\n"
        "are refused. The stream ends with the file, and the tag goes away.\n"
        "\n"
        "Examples:\n"
        "  ndsh publish cam1 film.npy --rate 100\n"
        "  timeout 2 ndsh publish cam1 film.npy --loop || test $? = 124");
    command->callback([&chosen, options] { chosen = [options] { return publish(*options); }; });
}

}  // namespace ndsharray::cli
