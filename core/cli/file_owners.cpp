// SPDX-License-Identifier: BSD-3-Clause
// The users who have files of tags, and acting as one of them.
#include "file_owners.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <system_error>

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ndsharray::cli {
namespace {

FileOwner owner_of(const struct stat& status) {
    const passwd* entry = ::getpwuid(status.st_uid);
    if (entry == nullptr)
        return {status.st_uid, status.st_gid, std::to_string(status.st_uid)};
    return {status.st_uid, entry->pw_gid, entry->pw_name};
}

[[noreturn]] void throw_not_permitted(const FileOwner& owner) {
    throw std::system_error(errno, std::generic_category(), "cannot act as user " + owner.name);
}

/// Root's own again. \returns false if that is not to be had.
bool be_root() noexcept {
    return ::seteuid(0) == 0 && ::setegid(0) == 0 && ::setgroups(0, nullptr) == 0;
}

}  // namespace

std::vector<FileOwner> file_owners(const std::string& directory) {
    std::map<uid_t, FileOwner> owners;
    if (!std::filesystem::exists(directory))
        return {};
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        struct stat status {};
        if (entry.path().filename().string().starts_with("ndsh.") &&
            ::lstat(entry.path().c_str(), &status) == 0)
            owners.try_emplace(status.st_uid, owner_of(status));
    }
    std::vector<FileOwner> result;
    for (auto& [user, owner] : owners)
        result.push_back(std::move(owner));
    return result;
}

ActingAs::ActingAs(const FileOwner& owner) {
    const int grouped = ::initgroups(owner.name.c_str(), owner.group);
    if (grouped != 0 || ::setegid(owner.group) != 0 || ::seteuid(owner.user) != 0) {
        const int error = errno;
        be_root();
        errno = error;
        throw_not_permitted(owner);
    }
}

ActingAs::~ActingAs() {
    if (!be_root())
        std::abort();  // to go on as somebody else would be worse
}

}  // namespace ndsharray::cli
