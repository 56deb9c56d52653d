// SPDX-License-Identifier: BSD-3-Clause
// ndsh: looks at tags, records and plays them, cleans up after crashes.
#include "command_line.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "programs.hpp"
#include "text.hpp"

#include <ndsharray/error.hpp>

#include <csignal>
#include <exception>
#include <functional>
#include <string_view>

namespace ndsharray::cli {
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

int run(const std::function<int()>& command) {
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

}  // namespace
}  // namespace ndsharray::cli

int main(int argc, char** argv) {
    // A reader of our output that goes away is an error of write(2), not the end at any point.
    std::signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && ndsharray::cli::is_program(argv[1]))
        return ndsharray::cli::become(argv);
    int exit_code = ndsharray::cli::success;
    const auto command = ndsharray::cli::parse(argc, argv, exit_code);
    return command ? ndsharray::cli::run(command) : exit_code;
}
