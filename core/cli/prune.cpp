// SPDX-License-Identifier: BSD-3-Clause
// ndsh prune: removes what crashed writers left behind.
#include "commands.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "text.hpp"

#include <ndsharray/leftovers.hpp>
#include <ndsharray/tag.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ndsharray::cli {
namespace {

struct PruneOptions {
    std::vector<std::string> tags;
    bool dry_run = false;
};

struct Total {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
};

void report(const Leftovers& leftovers, std::string_view what, Total& total) {
    for (const LeftoverFile& file : leftovers.files) {
        print("{} {} ({})\n", what, printable(file.name), bytes_text(file.bytes));
        ++total.files;
        total.bytes += file.bytes;
    }
}

bool is_asked_for(const PruneOptions& options, const std::string& tag) {
    return options.tags.empty() ||
           std::find(options.tags.begin(), options.tags.end(), tag) != options.tags.end();
}

int prune(const PruneOptions& options) {
    Total total;
    int result = success;
    for (const Leftovers& found : find_leftovers()) {
        if (!is_asked_for(options, found.tag))
            continue;
        if (options.dry_run) {
            report(found, "would remove", total);
            continue;
        }
        try {
            report(remove_leftovers(found.tag), "removed", total);
        } catch (const Error& error) {
            complain("{}", printable(error.what()));
            result = failure;
        }
    }
    if (total.files == 0)
        print("nothing to remove in {}\n", printable(directory()));
    else
        print("{} file{}, {}\n", total.files, plural(total.files), bytes_text(total.bytes));
    return result;
}

}  // namespace

void add_prune(CLI::App& app, Command& chosen) {
    CLI::App* command = app.add_subcommand("prune", "Removes what crashed writers left behind");
    auto options = std::make_shared<PruneOptions>();
    command->add_option("tags", options->tags, "only of these tags (default: of all)")
        ->check(check_tag)
        ->type_name("TAG");
    command->add_flag("-n,--dry-run", options->dry_run, "only says what would be removed");
    command->footer(
        "Never touches a tag that has a living writer, nor files of other users. It takes\n"
        "the tag as a starting writer would, so one that starts at the same moment is not\n"
        "disturbed. Restarting a writer needs none of this: it removes what its\n"
        "predecessor left.\n"
        "\n"
        "Examples:\n"
        "  ndsh prune --dry-run\n"
        "  ndsh prune\n"
        "  ndsh prune cam0");
    command->callback([&chosen, options] { chosen = [options] { return prune(*options); }; });
}

}  // namespace ndsharray::cli
