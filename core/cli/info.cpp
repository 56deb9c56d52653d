// SPDX-License-Identifier: BSD-3-Clause
// ndsh info: everything about one tag.
#include "commands.hpp"
#include "exit_code.hpp"
#include "json.hpp"
#include "output.hpp"
#include "table.hpp"
#include "terminal.hpp"
#include "text.hpp"

#include <ndsharray/tag_info.hpp>

#include <string>

namespace ndsharray::cli {
namespace {

std::string line(std::string_view title, std::string_view text) {
    return fmt::format("{:<13} {}\n", title, text);
}

std::string writer_text(const TagInfo& info) {
    if (!info.alive)
        return fmt::format("dead; was process {}", info.writer_pid);
    return fmt::format("{}, process {}", name(info.state), info.writer_pid);
}

std::string frames_text(const TagInfo& info) {
    std::string text = fmt::format("{} published", info.published);
    if (info.rate > 0)
        text += fmt::format(", {} per second", rate_text(info.rate));
    if (const auto age = age_of(info))
        text += fmt::format(", the last {} ago", duration_text(*age));
    return text;
}

std::string strides_text(const ArraySpec& spec) {
    std::string text;
    for (std::uint32_t i = 0; i < spec.ndim; ++i)
        text += fmt::format("{}{}", i == 0 ? "" : ", ", spec.strides[i]);
    return text + " bytes";
}

std::string segment_lines(const TagInfo& info) {
    if (info.generation == 0)
        return line("array", "none yet");
    std::string text = line("array", fmt::format("{} {}, {}", name(info.spec.dtype), shape_text(info.spec),
                                                 bytes_text(info.spec.bytes)));
    if (!info.spec.is_contiguous())
        text += line("strides", strides_text(info.spec));
    if (info.spec.byte_order != native_byte_order)
        text += line("byte order", info.spec.byte_order == ByteOrder::Big ? "big" : "little");
    text += line("slots", std::to_string(info.slots));
    text += line("segment", fmt::format("{} (generation {})", info.segment, info.generation));
    for (const auto& [key, value] : info.attributes)
        text += line(printable(key), printable(value));
    return text;
}

std::string reader_lines(const TagInfo& info) {
    if (!info.readers_known)
        return line("readers", "unknown: the writer's permissions do not let you see them");
    if (info.readers.empty())
        return line("readers", "none");
    Table table({{"READER"},
                 {"MODE"},
                 {"FRAMES", Align::Right},
                 {"MISSED", Align::Right},
                 {"COPIED", Align::Right},
                 {"HELD", Align::Right},
                 {"LATENCY", Align::Right},
                 {""}});
    for (const TagReader& reader : info.readers)
        table.add({std::to_string(reader.pid), reader.mode == ReadMode::Every ? "every" : "latest",
                   std::to_string(reader.frames), std::to_string(reader.missed),
                   std::to_string(reader.copied), std::to_string(reader.leased),
                   reader.frames > 0 ? duration_text(std::chrono::nanoseconds(reader.latency_ns)) : "-",
                   !reader.alive      ? "dead"
                   : reader.suspended ? "suspended"
                                      : ""});
    std::string text = "\n";
    for (const std::string& row : table.lines(output_width()))
        text += row + "\n";
    return text;
}

}  // namespace

int info(const InfoOptions& options) {
    const TagInfo found = inspect(options.tag, options.owner);
    if (options.json) {
        write_out(json_text(to_json(found)));
        return success;
    }
    std::string text = line("tag", bold(found.tag));
    text += line("writer", writer_text(found));
    text += line("frames", frames_text(found));
    text += segment_lines(found);
    text += line("memory", bytes_text(found.memory_bytes));
    text += line("permissions", fmt::format("{:04o}, of {}", found.permissions, printable(found.owner)));
    text += line("backpressure", found.backpressure ? "yes" : "no");
    if (found.compat)
        text += line("compat", "yes: also in the files of the Python package 1.x");
    write_out(text + reader_lines(found));
    return success;
}

}  // namespace ndsharray::cli
