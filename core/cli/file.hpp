// SPDX-License-Identifier: BSD-3-Clause
// An ordinary file, read and written at given places. What fails is a std::system_error that names it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace ndsharray::cli {

class File {
  public:
    static File open(const std::string& path);

    /// A new file. \throws std::runtime_error if there is one of that name.
    static File create(const std::string& path);

    /// A new file in place of one that may be there.
    static File replace(const std::string& path);

    ~File();
    File(File&& other) noexcept;
    File& operator=(File&& other) noexcept;

    const std::string& path() const noexcept { return path_; }

    /// \throws std::runtime_error if it is no regular file.
    std::uint64_t size() const;

    /// \returns how many there were.
    std::size_t read(std::uint64_t offset, std::span<std::byte> bytes) const;
    void write(std::uint64_t offset, std::span<const std::byte> bytes) const;
    void cut(std::uint64_t bytes) const;

  private:
    File(std::string path, int flags);

    std::string path_;
    int number_;
};

}  // namespace ndsharray::cli
