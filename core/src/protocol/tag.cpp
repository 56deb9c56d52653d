// SPDX-License-Identifier: BSD-3-Clause
// Tags: the names that both sides agree on, and the directory of their files.
#include <ndsharray/tag.hpp>

#include "protocol/files.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace ndsharray {
namespace {

bool is_allowed(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

constexpr std::string_view allowed =
    "; a tag is 1 to 128 of the characters A-Z a-z 0-9 . _ - and does not start with a dot";

}  // namespace

std::string tag_problem(std::string_view tag) {
    if (tag.empty())
        return "the tag is empty" + std::string(allowed);
    const std::string quoted = "the tag \"" + printable(tag.substr(0, max_tag_length)) + "\" ";
    if (tag.size() > max_tag_length)
        return quoted + "is longer than 128 characters" + std::string(allowed);
    if (tag.front() == '.')
        return quoted + "starts with a dot" + std::string(allowed);
    if (!std::all_of(tag.begin(), tag.end(), is_allowed))
        return quoted + "has a character that is not allowed" + std::string(allowed);
    if (tag.ends_with(readers_suffix) || has_segment_suffix(tag))
        return quoted +
               "ends like a file beside another tag: choose one that does not end in \".readers\" or "
               "in a dot and 32 hexadecimal digits";
    return {};
}

std::string directory() {
    const char* chosen = std::getenv("NDSHARRAY_DIR");  // NOLINT(concurrency-mt-unsafe)
    return chosen != nullptr && *chosen != '\0' ? chosen : "/dev/shm";
}

std::string directory_problem(const std::string& path) {
    using Type = std::filesystem::file_type;
    std::error_code ignored;
    const Type type = std::filesystem::status(path, ignored).type();
    // It is not known for a parent directory without permission.
    if (type == Type::directory || type == Type::none || type == Type::unknown)
        return {};
    return "there is no directory " + path + "; create it, or set NDSHARRAY_DIR to one that exists";
}

}  // namespace ndsharray
