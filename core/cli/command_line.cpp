// SPDX-License-Identifier: BSD-3-Clause
// The options of each command. It is the one file that includes CLI11: it takes long to compile.
#include "command_line.hpp"

#include "commands.hpp"
#include "exit_code.hpp"
#include "file_mode.hpp"
#include "output.hpp"
#include "text.hpp"

#include <ndsharray/tag.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace ndsharray::cli {
namespace {

using Command = std::function<int()>;

/// A check of an argument: what is wrong with it, or nothing.
using Check = std::function<std::string(std::string)>;

std::string check_tag(const std::string& tag) {
    return tag_problem(tag);
}

Check number_between(double low, double high) {
    return [=](const std::string& text) {
        double number = 0;
        const bool is_number = CLI::detail::lexical_cast(text, number);
        return is_number && number >= low && number <= high
                   ? std::string()
                   : fmt::format("{} is not a number from {:g} to {:g}", printable(text), low, high);
    };
}

void add_list(CLI::App& app, Command& chosen) {
    CLI::App* command = app.add_subcommand("list", "Lists the tags that are written now");
    auto options = std::make_shared<ListOptions>();
    command->add_flag("-a,--all", options->all, "also dead tags and tags that cannot be read");
    command->add_flag("-j,--json", options->json, "prints a JSON array of all that info knows");
    command->add_flag("-n,--names", options->names_only, "prints only names");
    command->add_option("--owner", options->owner, "whose tags (default: yours and root's)")
        ->type_name("USER");
    command->footer(
        "RATE/S is that of the frames in shared memory, at most 2 s back. AGE is the age\n"
        "of the last frame. WRITER is the process, or its state if it does not live.\n"
        "READERS is ? if the writer's permissions do not let you see them.\n"
        "\n"
        "Examples:\n"
        "  ndsh list\n"
        "  ndsh list --all\n"
        "  ndsh list --json | python3 -m json.tool");
    command->callback([&chosen, options] { chosen = [options] { return list(*options); }; });
}

void add_info(CLI::App& app, Command& chosen) {
    CLI::App* command = app.add_subcommand("info", "Shows everything about a tag");
    auto options = std::make_shared<InfoOptions>();
    command->add_option("tag", options->tag, "the tag")->required()->check(check_tag)->type_name("TAG");
    command->add_flag("-j,--json", options->json, "prints a JSON object");
    command->add_option("--owner", options->owner, "who must own it (default: you or root)")
        ->type_name("USER");
    command->footer(
        "info does not become a reader of the tag, and does not disturb anybody.\n"
        "\n"
        "Examples:\n"
        "  ndsh info cam0\n"
        "  ndsh info --json cam0");
    command->callback([&chosen, options] { chosen = [options] { return info(*options); }; });
}

void add_watch(CLI::App& app, Command& chosen) {
    CLI::App* command = app.add_subcommand("watch", "Shows speed, latency and losses, again and again");
    auto options = std::make_shared<WatchOptions>();
    command->add_option("tag", options->tag, "only this tag (default: all)")
        ->check(check_tag)
        ->type_name("TAG");
    command->add_option("-i,--interval", options->interval, "time between two looks (default: 1)")
        ->check(number_between(0.01, 86400.0))
        ->type_name("SECONDS");
    command->add_option("-c,--count", options->count, "ends after N looks (default: goes on)")
        ->check(number_between(1, 1e18))
        ->type_name("N");
    command->add_option("--owner", options->owner, "whose tags (default: yours and root's)")
        ->type_name("USER");
    command->footer(
        "On a terminal, watch draws a table in place until Ctrl-C. Otherwise it prints\n"
        "lines of key=value. Frames, missed and copied frames are per second. They are\n"
        "counters in shared memory: watch is no reader, and does not disturb anybody.\n"
        "LATENCY is the age of a reader's last frame when the reader got it. HELD is the\n"
        "number of slots that it holds. Readers that may only copy (see the writer's\n"
        "permissions) are not shown. A user who may only copy sees no readers.\n"
        "\n"
        "Examples:\n"
        "  ndsh watch --count 2 --interval 0.5\n"
        "  ndsh watch cam0 --count 3 --interval 0.2 | grep frames_per_second=");
    command->callback([&chosen, options] { chosen = [options] { return watch(*options); }; });
}

void add_save(CLI::App& app, Command& chosen) {
    CLI::App* command = app.add_subcommand("save", "Saves the frames of a tag in a .npy file");
    auto options = std::make_shared<SaveOptions>();
    command->add_option("tag", options->tag, "the tag")->required()->check(check_tag)->type_name("TAG");
    command->add_option("file", options->file, "the file; it must not exist")
        ->required()
        ->type_name("FILE.npy");
    command->add_option("-c,--count", options->count, "ends after N frames (default: all)")
        ->check(number_between(1, 1e18))
        ->type_name("N");
    command->add_flag("-f,--follow", options->follow, "goes on when the stream or the writer ends");
    command
        ->add_option("-t,--timeout", options->timeout, "ends if nothing comes in this time (default: waits)")
        ->check(number_between(0.001, 1e9))
        ->type_name("SECONDS");
    command->add_flag("--force", options->force, "overwrites files that exist");
    command->add_option("--owner", options->owner, "who must own it (default: you or root)")
        ->type_name("USER");
    command->footer(
        "The file holds one array of shape (frames, ...) for numpy.load. It can be read\n"
        "at any time while it grows, and after Ctrl-C. save takes every frame in order. A\n"
        "writer without backpressure does not wait for it; then save prints how many\n"
        "frames it missed. If there is no writer yet, save waits. It ends when the stream\n"
        "ends, the writer leaves or the layout changes. With --follow it goes on. After a\n"
        "change of layout it goes on in another file: film-2.npy, film-3.npy.\n"
        "\n"
        "Examples:\n"
        "  ndsh save cam0 film.npy --count 10\n"
        "  ndsh save cam0 day.npy --follow --timeout 2 --count 100 || test $? = 4");
    command->callback([&chosen, options] { chosen = [options] { return save(*options); }; });
}

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
        "this machine, also if the file has another one. Fortran order, records and\n"
        "strings are refused. At the end of the file, the stream ends and the tag goes.\n"
        "\n"
        "Examples:\n"
        "  ndsh publish cam1 film.npy --rate 100\n"
        "  timeout 2 ndsh publish cam1 film.npy --loop || test $? = 124");
    command->callback([&chosen, options] { chosen = [options] { return publish(*options); }; });
}

void add_prune(CLI::App& app, Command& chosen) {
    CLI::App* command = app.add_subcommand("prune", "Removes what crashed writers left behind");
    auto options = std::make_shared<PruneOptions>();
    command->add_option("tags", options->tags, "only of these tags (default: of all)")
        ->check(check_tag)
        ->type_name("TAG");
    command->add_flag("-n,--dry-run", options->dry_run, "only says what would be removed");
    command->add_flag("-a,--all-users", options->all_users, "also files of other users (for root)");
    command->footer(
        "prune never touches a tag with a living writer. It touches files of other users\n"
        "only if root says --all-users; then it acts as each of these users. It takes a\n"
        "tag as a starting writer does. So it does not disturb a writer that starts at\n"
        "the same moment. A writer that restarts does not need prune: it removes what\n"
        "the writer before it left.\n"
        "\n"
        "Examples:\n"
        "  ndsh prune --dry-run\n"
        "  ndsh prune\n"
        "  ndsh prune cam0\n"
        "  sudo ndsh prune --all-users");
    command->callback([&chosen, options] { chosen = [options] { return prune(*options); }; });
}

}  // namespace

std::function<int()> parse(int argc, char** argv, int& exit_code) {
    CLI::App app("Looks at tags: arrays and video frames that ndsharray shares between processes.", "ndsh");
    app.set_version_flag("-V,--version", "ndsh " NDSHARRAY_VERSION, "prints the version");
    app.set_help_flag("-h,--help", "prints help, also of a command: ndsh list -h");
    app.require_subcommand(1);
    app.get_formatter()->column_width(28);
    app.footer(
        "ndsh serve shows tags in a browser. ndsh share and ndsh mirror carry them to\n"
        "other machines. These are separate programs, with their own --help.\n"
        "\n"
        "Tags are in /dev/shm, or in the directory that NDSHARRAY_DIR names.\n"
        "\n"
        "Exit status: 0 done; 1 failed; 2 wrong usage; 3 no such tag; 4 less than was\n"
        "asked for (nothing came in time, or the stream ended early). A signal ends it\n"
        "with 128 + its number, Ctrl-C with 130.\n"
        "\n"
        "Examples:\n"
        "  ndsh list\n"
        "  ndsh info cam0\n"
        "  ndsh watch --count 2 --interval 0.2\n"
        "  ndsh save cam0 film.npy --count 10");
    Command chosen;
    add_list(app, chosen);
    add_info(app, chosen);
    add_watch(app, chosen);
    add_save(app, chosen);
    add_publish(app, chosen);
    add_prune(app, chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // If no command takes a word, CLI11 would only say that there is no command.
        if (const auto rest = app.remaining(); app.get_subcommands().empty() && !rest.empty()) {
            complain("\"{}\" is no command and no option; ndsh --help lists them", printable(rest.front()));
            exit_code = usage;
            return {};
        }
        exit_code = app.exit(error) == 0 ? success : usage;
        return {};
    }
    return chosen;
}

}  // namespace ndsharray::cli
