// SPDX-License-Identifier: BSD-3-Clause
// ndsh-share: lets other machines mirror tags of this one.
#include "descriptors.hpp"
#include "end_signals.hpp"
#include "options.hpp"

#include <fmt/format.h>
#include <output.hpp>

#include <cstdio>
#include <exception>

namespace {

using namespace ndsharray;
using namespace ndsharray::mirror;

int run(const ShareCommand& command) {
    if (command.make_keys) {
        make_keys(command.key_folder);
        cli::print(
            "{0}/share.key stays here; copy {0}/mirror.key to the machines that mirror, into "
            "~/.config/ndsharray\n",
            command.key_folder);
        return 0;
    }
    allow_more_descriptors();
    const EndSignals signals;
    Share share(command.share);
    cli::print("shares {} at {}\n",
               command.share.all ? "all tags" : fmt::format("{}", fmt::join(command.share.tags, ", ")),
               share.address().to_string());
    if (!command.share.keys && !command.share.listen.is_local())
        cli::print("open: everybody who reaches this machine may read them\n");
    share.run(signals.descriptor());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        int exit_code = 0;
        const auto command = parse_share(argc, argv, exit_code);
        return command ? run(*command) : exit_code;
    } catch (const cli::OutputClosed&) {
        return 0;  // whoever read our output had enough
    } catch (const std::exception& error) {
        std::fprintf(stderr, "ndsh-share: %s\n", error.what());
        return 1;
    }
}
