// SPDX-License-Identifier: BSD-3-Clause
// What ndsh ends with. ndsh.1 says the same.
#pragma once

namespace ndsharray::cli {

enum ExitCode : int {
    success = 0,
    failure = 1,      // said on standard error
    usage = 2,        // the command line makes no sense
    no_such_tag = 3,  // nobody writes it
    incomplete = 4,   // less than was asked for: no frame in time, or the stream ended before
    // Ended by a signal: it ends as that signal ends a program, which a shell shows as 128 + its number.
};

}  // namespace ndsharray::cli
