// SPDX-License-Identifier: BSD-3-Clause
// ndsh: looks at tags, records and plays them, cleans up after crashes.
#include "commands.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "serve.hpp"
#include "text.hpp"

#include <ndsharray/error.hpp>
#include <ndsharray/tag.hpp>

#include <csignal>
#include <exception>
#include <string>
#include <string_view>

namespace ndsharray::cli {

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

namespace {

int exit_code_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::NoSuchTag:
            return no_such_tag;
        case ErrorCode::InvalidTag:
        case ErrorCode::InvalidArgument:
            return usage;
        default:
            return failure;
    }
}

int run(const Command& command) {
    try {
        return command();
    } catch (const OutputClosed&) {
        return success;  // whoever read our output had enough
    } catch (const Error& error) {
        complain("{}", printable(error.what()));
        return exit_code_of(error.code());
    } catch (const std::exception& error) {
        complain("{}", printable(error.what()));
        return failure;
    }
}

int parse_and_run(int argc, char** argv) {
    CLI::App app("Looks at tags: arrays and video frames that ndsharray shares between processes.", "ndsh");
    app.set_version_flag("-V,--version", "ndsh " NDSHARRAY_VERSION, "prints the version");
    app.set_help_flag("-h,--help", "prints help, also of a command: ndsh list -h");
    app.require_subcommand(1);
    app.get_formatter()->column_width(28);
    app.footer(
        "ndsh serve shows tags in a browser: a program of its own, with its own --help.\n"
        "\n"
        "Tags lie in /dev/shm, or where NDSHARRAY_DIR says.\n"
        "\n"
        "Exit status: 0 done; 1 failed; 2 wrong usage; 3 no such tag; 4 less than was\n"
        "asked for (nothing came in time, or the stream ended before). Ended by a signal:\n"
        "128 and its number, so 130 for Ctrl-C.\n"
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
        // Of what no command takes CLI11 would only say that there is no command.
        if (const auto rest = app.remaining(); app.get_subcommands().empty() && !rest.empty()) {
            complain("\"{}\" is no command and no option; ndsh --help lists them", printable(rest.front()));
            return usage;
        }
        return app.exit(error) == 0 ? success : usage;
    }
    return run(chosen);
}

}  // namespace
}  // namespace ndsharray::cli

int main(int argc, char** argv) {
    // A reader of our output that goes away is an error of write(2), not the end at any point.
    std::signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && std::string_view(argv[1]) == "serve")
        return ndsharray::cli::serve(argv);
    return ndsharray::cli::parse_and_run(argc, argv);
}
