// SPDX-License-Identifier: BSD-3-Clause
#include "place.hpp"

#include <ndsharray/tag.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>

namespace ndsharray::mirror {
namespace {

std::string first_line(const char* path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

}  // namespace

std::uint64_t digest(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash;
}

std::string this_place() {
    // The machine's id says which machine; where a container has none, the boot's does. The folder is the
    // same through any path and mount.
    struct stat status {};
    ::stat(directory().c_str(), &status);
    const std::string what = first_line("/etc/machine-id") + " " +
                             first_line("/proc/sys/kernel/random/boot_id") + " " +
                             std::to_string(status.st_dev) + " " + std::to_string(status.st_ino);
    std::array<char, 17> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(digest(what)));
    return digits.data();
}

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0)
        return {};
    std::string printable;
    for (const char c : std::string_view(name.data()))
        if (c > ' ' && c <= '~')
            printable += c;
    return printable;
}

bool has_been_at(const Attributes& attributes, std::string_view place) {
    const auto route = attributes.find(route_attribute);
    return route != attributes.end() && route->second.find(place) != std::string::npos;
}

void add_place(Attributes& attributes, std::string_view place) {
    std::string& route = attributes[std::string(route_attribute)];
    if (!route.empty())
        route += ' ';
    route += place;
}

}  // namespace ndsharray::mirror
