// SPDX-License-Identifier: BSD-3-Clause
// ndsh list: all tags, one line each.
#include "commands.hpp"
#include "exit_code.hpp"
#include "json.hpp"
#include "output.hpp"
#include "table.hpp"
#include "terminal.hpp"
#include "text.hpp"

#include <ndsharray/tag.hpp>
#include <ndsharray/tag_info.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace ndsharray::cli {
namespace {

struct Found {
    std::vector<TagInfo> tags;
    std::vector<std::pair<std::string, Error>> unreadable;
};

Found find(const ListOptions& options) {
    Found found;
    for (const std::string& tag : tag_names()) {
        try {
            TagInfo info = inspect(tag, options.owner);
            if (info.alive || options.all)
                found.tags.push_back(std::move(info));
        } catch (const Error& error) {
            if (error.code() == ErrorCode::InvalidArgument)
                throw;                                 // there is no such owner
            if (error.code() != ErrorCode::NoSuchTag)  // else it has just gone
                found.unreadable.emplace_back(tag, error);
        }
    }
    return found;
}

std::string live_readers(const TagInfo& info) {
    if (!info.readers_known)
        return "?";
    return std::to_string(std::count_if(info.readers.begin(), info.readers.end(),
                                        [](const TagReader& reader) { return reader.alive; }));
}

std::vector<std::string> row_of(const TagInfo& info) {
    const bool has_segment = info.generation != 0;
    const auto age = age_of(info);
    const bool writes = info.alive && info.state == TagState::Live;
    return {info.tag,
            has_segment ? std::string(name(info.spec.dtype)) : "-",
            has_segment ? shape_text(info.spec) : "-",
            rate_text(writes ? info.rate : 0),
            live_readers(info),
            age ? duration_text(*age) : "-",
            writes ? std::to_string(info.writer_pid) : std::string(state_text(info)),
            bytes_text(info.memory_bytes)};
}

void print_table(const Found& found, bool with_unreadable) {
    Table table({{"TAG"},
                 {"DTYPE"},
                 {"SHAPE"},
                 {"RATE/S", Align::Right},
                 {"READERS", Align::Right},
                 {"AGE", Align::Right},
                 {"WRITER", Align::Right},
                 {"MEMORY", Align::Right}});
    for (const TagInfo& info : found.tags)
        table.add(row_of(info));
    std::vector<std::string> lines = table.lines(output_width());
    lines.front() = bold(lines.front());
    std::string text;
    for (const std::string& line : lines)
        text += line + "\n";
    write_out(found.tags.empty() ? "" : text);

    if (with_unreadable) {
        for (const auto& [tag, error] : found.unreadable)
            print("{}: {}\n", tag, printable(error.what()));
    } else if (!found.unreadable.empty()) {
        complain("{} tag{} cannot be read; ndsh list --all says why", found.unreadable.size(),
                 plural(found.unreadable.size()));
    }
    if (found.tags.empty() && found.unreadable.empty()) {
        const std::string problem = directory_problem();
        write_error((problem.empty() ? "no tags in " + printable(directory()) : printable(problem)) + "\n");
    }
}

}  // namespace

int list(const ListOptions& options) {
    const Found found = find(options);
    if (options.json) {
        nlohmann::ordered_json json = nlohmann::ordered_json::array();
        for (const TagInfo& info : found.tags)
            json.push_back(to_json(info));
        if (options.all)
            for (const auto& [tag, error] : found.unreadable)
                json.push_back(to_json(tag, error));
        write_out(json_text(json));
    } else if (options.names_only) {
        for (const TagInfo& info : found.tags)
            print("{}\n", info.tag);
    } else {
        print_table(found, options.all);
    }
    return success;
}

}  // namespace ndsharray::cli
