// SPDX-License-Identifier: BSD-3-Clause
// ndsh watch: frames per second, latency and losses of tags and their readers, again and again.
#include "commands.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "rates.hpp"
#include "signals.hpp"
#include "table.hpp"
#include "terminal.hpp"
#include "text.hpp"

#include <ndsharray/tag.hpp>
#include <ndsharray/tag_info.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace ndsharray::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Tags as they are now. One that cannot be looked at is left out, unless it was asked for by name.
std::vector<TagInfo> look(const WatchOptions& options) {
    std::vector<TagInfo> found;
    const auto names = options.tag.empty() ? tag_names() : std::vector{options.tag};
    for (const std::string& tag : names) {
        try {
            found.push_back(inspect(tag, options.owner));
        } catch (const Error& error) {
            const bool skip = options.tag.empty() ? error.code() != ErrorCode::InvalidArgument
                                                  : error.code() == ErrorCode::NoSuchTag;
            if (!skip)
                throw;
        }
    }
    return found;
}

std::string wall_clock() {
    const auto now = std::chrono::system_clock::now();
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
    std::tm local{};
    ::localtime_r(&seconds, &local);
    return fmt::format("{:02}:{:02}:{:02}.{:03}", local.tm_hour, local.tm_min, local.tm_sec, milliseconds);
}

std::string_view mode_text(const TagReader& reader) {
    return reader.mode == ReadMode::Every ? "every" : "latest";
}

// ---- on a terminal

std::string note_on(const ReaderRates& reader) {
    if (!reader.now.alive)
        return "dead";
    if (reader.now.suspended)
        return "suspended";
    return reader.behind > 1 ? fmt::format("{} behind", reader.behind) : "";
}

/// The layout of what is written, or what became of the writer.
std::string note_on(const TagInfo& info) {
    if (!info.alive || info.state == TagState::Ended)
        return std::string(state_text(info));
    return info.generation == 0 ? "no frame yet"
                                : fmt::format("{} {}", name(info.spec.dtype), shape_text(info.spec));
}

std::vector<std::string> screen(const WatchOptions& options, const std::vector<TagRates>& tags, Size size) {
    Table table({{"TAG"},
                 {"FRAMES/S", Align::Right},
                 {"LATENCY", Align::Right},
                 {"MISSED", Align::Right},
                 {"COPIED", Align::Right},
                 {"HELD", Align::Right},
                 {"STATE"}});
    for (const TagRates& tag : tags) {
        table.add({tag.now.tag, rate_text(tag.frames), "", "", "", "", note_on(tag.now)});
        if (!tag.now.readers_known)
            table.add({"  readers unknown", "", "", "", "", "", ""});
        for (const ReaderRates& reader : tag.readers)
            table.add(
                {fmt::format("  {} {}", reader.now.pid, mode_text(reader.now)), rate_text(reader.frames),
                 reader.now.frames > 0 ? duration_text(std::chrono::nanoseconds(reader.now.latency_ns)) : "-",
                 rate_text(reader.missed), rate_text(reader.copied), std::to_string(reader.now.leased),
                 note_on(reader)});
    }
    std::vector<std::string> lines = table.lines(size.columns);
    if (tags.empty())
        lines.push_back(options.tag.empty() ? "no tags yet" : "waiting for " + options.tag);
    if (const std::string problem = directory_problem(); !problem.empty())
        lines.push_back(problem.substr(0, size.columns));
    // The first line stays when there are more than fit.
    if (size.rows > 2 && lines.size() > size.rows) {
        const std::size_t shown = size.rows - 1;
        const std::size_t hidden = lines.size() - shown;
        lines.resize(shown);
        lines.push_back(fmt::format("... {} more lines", hidden));
    }
    lines.front() = bold(lines.front());
    return lines;
}

// ---- into a pipe

/// Complains of a problem when it comes, not again while it lasts.
class Complaint {
  public:
    void about(const std::string& problem) {
        if (!problem.empty() && problem != said_)
            complain("{}", printable(problem));
        said_ = problem;
    }

  private:
    std::string said_;
};

std::string reader_line(const std::string& start, const ReaderRates& reader) {
    return fmt::format(
        "{} reader={} mode={} alive={} suspended={} frames_per_second={:.2f} latency_us={:.1f} "
        "missed_per_second={:.2f} copied_per_second={:.2f} frames={} missed={} copied={} leased={} "
        "behind={}\n",
        start, reader.now.pid, mode_text(reader.now), reader.now.alive ? "yes" : "no",
        reader.now.suspended ? "yes" : "no", reader.frames, static_cast<double>(reader.now.latency_ns) / 1e3,
        reader.missed, reader.copied, reader.now.frames, reader.now.missed, reader.now.copied,
        reader.now.leased, reader.behind);
}

std::string report(const WatchOptions& options, const std::vector<TagRates>& tags) {
    const std::string time = "time=" + wall_clock();
    if (tags.empty() && !options.tag.empty())
        return fmt::format("{} tag={} state=absent\n", time, options.tag);
    std::string text;
    for (const TagRates& tag : tags) {
        const std::string start = fmt::format("{} tag={}", time, tag.now.tag);
        text += fmt::format(
            "{} state={} frames_per_second={:.2f} published={} generation={} readers={} memory_bytes={}\n",
            start, state_text(tag.now), tag.frames, tag.now.published, tag.now.generation,
            tag.now.readers_known ? std::to_string(tag.readers.size()) : "unknown", tag.now.memory_bytes);
        for (const ReaderRates& reader : tag.readers)
            text += reader_line(start, reader);
    }
    return text;
}

}  // namespace

int watch(const WatchOptions& options) {
    Signals signals;
    look(options);  // what is wrong with the tag or the owner is said on the ordinary screen
    {
        std::optional<Screen> terminal;
        if (is_terminal(STDOUT_FILENO)) {
            terminal.emplace();
            signals.handle({{}, [&] { terminal->leave(); }, [&] { terminal->enter(); }});
        }
        // Whatever happens, no handler runs when the screen is gone.
        const std::shared_ptr<void> no_handlers(nullptr, [&](void*) { signals.handle({}); });

        RateMeter meter;
        const auto interval =
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.interval));
        auto next = Clock::now();
        Complaint complaint;
        for (std::uint64_t shown = 0; !signals.ended() && (options.count == 0 || shown < options.count);
             ++shown) {
            const std::vector<TagRates> rates = meter.measure(look(options));
            if (terminal) {
                terminal->draw(screen(options, rates, terminal_size()));
            } else {
                complaint.about(directory_problem());
                write_out(report(options, rates));
            }
            next = std::max(next + interval, Clock::now());
            if (options.count != 0 && shown + 1 == options.count)
                break;
            Signals::Woken woken;
            while ((woken = signals.sleep_until(next)) == Signals::Woken::Redraw)
                if (terminal)
                    terminal->draw(screen(options, rates, terminal_size()));
            if (woken == Signals::Woken::End)
                break;
        }
    }
    end_by(signals.ended_by());
    return success;
}

}  // namespace ndsharray::cli
