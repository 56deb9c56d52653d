// SPDX-License-Identifier: BSD-3-Clause
// `ndsh serve`: a program of its own, as it needs GStreamer and libsoup, which ndsh does without.
#pragma once

namespace ndsharray::cli {

/// Becomes ndsh-serve, the one beside ndsh or else the first in PATH. `argv` is as main() has it, with "serve"
/// second. \returns an exit code where there is none, after saying what to install.
int serve(char** argv);

}  // namespace ndsharray::cli
