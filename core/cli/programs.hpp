// SPDX-License-Identifier: BSD-3-Clause
// Commands of ndsh that are programs of their own, as they need libraries which ndsh does without.
#pragma once

#include <string_view>

namespace ndsharray::cli {

/// Whether a command is one of these: serve, share, mirror.
bool is_program(std::string_view command);

/// Becomes that program, the one beside ndsh or else the first in PATH. `argv` is as main() has it, with the
/// command second. \returns an exit code where there is none, after saying what to install.
int become(char** argv);

}  // namespace ndsharray::cli
