// SPDX-License-Identifier: BSD-3-Clause
// From the words of a command line to a command with its options.
#pragma once

#include <functional>

namespace ndsharray::cli {

/// What the command line asks for. Help, the version, and what is wrong with the words are printed here.
/// \returns the command, to be called for its exit code. Nothing if all is said: then exit_code is set.
std::function<int()> parse(int argc, char** argv, int& exit_code);

}  // namespace ndsharray::cli
