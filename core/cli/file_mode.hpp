// SPDX-License-Identifier: BSD-3-Clause
// The mode of files, as a command line has it.
#pragma once

#include <string>

namespace ndsharray::cli {

/// What is wrong with it, or nothing. Bits beyond the permissions are wrong, too.
std::string check_mode(const std::string& text);

}  // namespace ndsharray::cli
