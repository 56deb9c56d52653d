// SPDX-License-Identifier: BSD-3-Clause
// A private folder for the files of all tags of one test.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ndsharray::test {

/// Makes a folder in shared memory and lets NDSHARRAY_DIR name it, here and in processes started later.
/// Puts both back when destroyed.
class TemporaryDirectory {
  public:
    TemporaryDirectory();
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    const std::filesystem::path& path() const noexcept { return path_; }

    /// Names of the files in it, sorted.
    std::vector<std::string> entries() const;

    /// Removes all files in it.
    void clear() const;

  private:
    std::filesystem::path path_;
    std::optional<std::string> outer_;
};

}  // namespace ndsharray::test
