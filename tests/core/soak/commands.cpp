// SPDX-License-Identifier: BSD-3-Clause
// What the processes of a soak run are told, and how they answer: "ok" and what there is to say.
#include "commands.hpp"

#include <poll.h>

#include <filesystem>
#include <fstream>

namespace ndsharray::test::soak {

Resources own_resources() {
    Resources found;
    for ([[maybe_unused]] const auto& descriptor : std::filesystem::directory_iterator("/proc/self/fd"))
        ++found.descriptors;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
        found.mappings += line.find("/ndsh.") != std::string::npos ? 1 : 0;
    return found;
}

std::string to_string(const Resources& resources) {
    return std::to_string(resources.descriptors) + " descriptors, " + std::to_string(resources.mappings) +
           " mappings";
}

std::optional<std::string> Commands::next() {
    pollfd waiting{channel_.descriptor(), POLLIN, 0};
    if (::poll(&waiting, 1, 0) <= 0)
        return std::nullopt;
    return await();
}

std::string Commands::await() {
    return channel_.receive(std::nullopt).value_or("close");
}

}  // namespace ndsharray::test::soak
