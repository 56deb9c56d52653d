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
            throw std::runtime_error(file_.path() + " was truncated while it was published");
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

}  // namespace

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

}  // namespace ndsharray::cli
