// SPDX-License-Identifier: BSD-3-Clause
// A private folder for the files of all tags of one test.
#include <support/temporary_directory.hpp>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace ndsharray::test {

namespace {

constexpr const char* variable = "NDSHARRAY_DIR";

std::filesystem::path parent_folder() {
    constexpr const char* shared_memory = "/dev/shm";
    return ::access(shared_memory, W_OK | X_OK) == 0 ? shared_memory : std::filesystem::temp_directory_path();
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
    std::string name = parent_folder() / "ndsharray-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr)
        throw std::system_error(errno, std::generic_category(), name);
    // One below the other: who watches a directory is told of what its parent gets, here of what all tests
    // make.
    path_ = std::filesystem::path(name) / "tags";
    if (::chmod(name.c_str(), 0711) != 0 || ::mkdir(path_.c_str(), 0700) != 0)
        throw std::system_error(errno, std::generic_category(), path_);
    if (const char* outer = std::getenv(variable))
        outer_ = outer;
    ::setenv(variable, path_.c_str(), 1);
}

TemporaryDirectory::~TemporaryDirectory() {
    if (outer_)
        ::setenv(variable, outer_->c_str(), 1);
    else
        ::unsetenv(variable);
    std::error_code ignored;
    std::filesystem::remove_all(path_.parent_path(), ignored);
}

std::vector<std::string> TemporaryDirectory::entries() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
        names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

void TemporaryDirectory::clear() const {
    for (const auto& name : entries())
        std::filesystem::remove_all(path_ / name);
}

}  // namespace ndsharray::test
