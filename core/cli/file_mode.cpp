// SPDX-License-Identifier: BSD-3-Clause
#include "file_mode.hpp"

namespace ndsharray::cli {

std::string check_mode(const std::string& text) {
    const bool octal =
        !text.empty() && text.size() <= 4 && text.find_first_not_of("01234567") == std::string::npos;
    return octal && std::stoul(text, nullptr, 8) <= 0777 ? "" : "a file mode is octal, from 0 to 0777";
}

}  // namespace ndsharray::cli
