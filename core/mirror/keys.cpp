// SPDX-License-Identifier: BSD-3-Clause
#include "keys.hpp"

#include <ndsharray/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>

namespace ndsharray::mirror {
namespace {

constexpr std::size_t key_length = 40;  // of Z85

struct Pair {
    std::string secret;
    std::string public_key;
};

Pair new_pair() {
    std::array<char, key_length + 1> secret{}, public_key{};
    if (zmq_curve_keypair(public_key.data(), secret.data()) != 0)
        throw Error(ErrorCode::System, "no keys can be made: this libzmq was built without CURVE");
    return {secret.data(), public_key.data()};
}

void write_new(const std::string& path, const std::string& text) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        throw Error(ErrorCode::System,
                    path + " cannot be made: " + std::strerror(errno) +
                        (errno == EEXIST ? "; remove it first if new keys are wanted" : ""));
    const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (::close(file) != 0 || !written)
        throw Error(ErrorCode::System, path + " cannot be written");
}

using Entries = std::multimap<std::string, std::string>;

/// Lines of a name and a key. What follows "#" on a line of its own is for people.
std::optional<Entries> read_entries(const std::string& path, bool must_be) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        if (errno == ENOENT && !must_be)
            return std::nullopt;
        throw Error(ErrorCode::System, path + " cannot be read: " + std::strerror(errno));
    }
    if ((status.st_mode & 077) != 0)
        throw Error(ErrorCode::PermissionDenied,
                    path + " holds a secret key, but others may read it; chmod 600 " + path);
    std::ifstream file(path);
    Entries entries;
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream words(line);
        std::string name, key, rest;
        words >> name >> key;
        if (name.empty() || line.front() == '#')
            continue;
        if (key.size() != key_length || words >> rest)
            throw Error(ErrorCode::Damaged, path + ": \"" + name + "\" needs a key of 40 characters");
        entries.emplace(name, key);
    }
    return entries;
}

std::string one(const Entries& entries, const std::string& name, const std::string& path) {
    if (entries.count(name) != 1)
        throw Error(ErrorCode::Damaged, path + " has no line, or several lines, \"" + name +
                                            " KEY\"; ndsh share --make-keys makes such files");
    return entries.find(name)->second;
}

std::string public_of(const std::string& secret, const std::string& path) {
    std::array<char, key_length + 1> key{};
    if (zmq_curve_public(key.data(), secret.c_str()) != 0)
        throw Error(ErrorCode::Damaged, path + " has a secret that is no key");
    return key.data();
}

}  // namespace

std::string key_folder() {
    if (const char* const configuration = std::getenv("XDG_CONFIG_HOME"); configuration && *configuration)
        return std::string(configuration) + "/ndsharray";
    const char* const home = std::getenv("HOME");
    return std::string(home ? home : "") + "/.config/ndsharray";
}

void make_keys(const std::string& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error)
        throw Error(ErrorCode::System, folder + " cannot be made: " + error.message());
    for (const char* const name : {"/share.key", "/mirror.key"})
        if (std::filesystem::exists(folder + name))
            throw Error(ErrorCode::System,
                        folder + name + " is there already; remove it first if new keys are wanted");
    const Pair share = new_pair(), mirror = new_pair();
    write_new(
        folder + "/share.key",
        "# Stays on the machine that shares. A line \"mirror KEY\" gives the owner of that key access.\n"
        "secret " +
            share.secret + "\nmirror " + mirror.public_key + "\n");
    write_new(folder + "/mirror.key",
              "# For the machines that mirror. This file gives access to every tag that is shared.\n"
              "secret " +
                  mirror.secret + "\nshare " + share.public_key + "\n");
}

std::optional<ShareKeys> read_share_keys(const std::string& path, bool must_be) {
    const auto entries = read_entries(path, must_be);
    if (!entries)
        return std::nullopt;
    ShareKeys keys;
    keys.secret = one(*entries, "secret", path);
    keys.public_key = public_of(keys.secret, path);
    const auto [first, last] = entries->equal_range("mirror");
    for (auto entry = first; entry != last; ++entry)
        keys.mirrors.push_back(entry->second);
    return keys;
}

std::optional<MirrorKeys> read_mirror_keys(const std::string& path, bool must_be) {
    const auto entries = read_entries(path, must_be);
    if (!entries)
        return std::nullopt;
    MirrorKeys keys;
    keys.secret = one(*entries, "secret", path);
    keys.public_key = public_of(keys.secret, path);
    keys.share = one(*entries, "share", path);
    return keys;
}

}  // namespace ndsharray::mirror
