// SPDX-License-Identifier: BSD-3-Clause
// ndsh prune: removes what crashed writers left behind.
#include "commands.hpp"
#include "exit_code.hpp"
#include "file_owners.hpp"
#include "output.hpp"
#include "text.hpp"

#include <ndsharray/leftovers.hpp>
#include <ndsharray/tag.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

namespace ndsharray::cli {
namespace {

struct Total {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
};

void report(const Leftovers& leftovers, std::string_view what, const std::string& whose, Total& total) {
    for (const LeftoverFile& file : leftovers.files) {
        print("{} {} ({}){}\n", what, printable(file.name), bytes_text(file.bytes), whose);
        ++total.files;
        total.bytes += file.bytes;
    }
}

bool is_asked_for(const PruneOptions& options, const std::string& tag) {
    return options.tags.empty() ||
           std::find(options.tags.begin(), options.tags.end(), tag) != options.tags.end();
}

/// \returns whether everything went that should.
bool prune_own(const PruneOptions& options, const std::string& whose, Total& total) {
    bool all_well = true;
    for (const Leftovers& found : find_leftovers()) {
        if (!is_asked_for(options, found.tag))
            continue;
        if (options.dry_run) {
            report(found, "would remove", whose, total);
            continue;
        }
        try {
            report(remove_leftovers(found.tag), "removed", whose, total);
        } catch (const Error& error) {
            complain("{}", printable(error.what()));
            all_well = false;
        }
    }
    return all_well;
}

/// As each of the users in turn: so nothing is removed that its owner could not remove, and no file that
/// somebody made to mislead root leads anywhere.
bool prune_everyones(const PruneOptions& options, Total& total) {
    if (::geteuid() != 0)
        throw Error(ErrorCode::PermissionDenied,
                    "only root removes what is other users': sudo ndsh prune "
                    "--all-users");
    bool all_well = true;
    for (const FileOwner& owner : file_owners(directory())) {
        try {
            const ActingAs user(owner);
            all_well = prune_own(options, ", of " + printable(owner.name), total) && all_well;
        } catch (const OutputClosed&) {
            throw;
        } catch (const std::exception& error) {
            complain("{}: {}", printable(owner.name), printable(error.what()));
            all_well = false;
        }
    }
    return all_well;
}

}  // namespace

int prune(const PruneOptions& options) {
    Total total;
    const int result = (options.all_users ? prune_everyones(options, total) : prune_own(options, "", total))
                           ? success
                           : failure;
    if (total.files == 0)
        print("nothing to remove in {}\n", printable(directory()));
    else
        print("{} file{}, {}\n", total.files, plural(total.files), bytes_text(total.bytes));
    return result;
}

}  // namespace ndsharray::cli
