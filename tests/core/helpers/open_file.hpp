// SPDX-License-Identifier: BSD-3-Clause
// A file of a tag in the hands of somebody who may write it.
#pragma once

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>

namespace ndsharray::test {

/// The most that a word of a file can say.
inline constexpr auto most = std::numeric_limits<std::uint64_t>::max();

/// A file as its owner may write it: in place, at any time.
class OpenFile {
  public:
    explicit OpenFile(const std::filesystem::path& path)
        : descriptor_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {}
    ~OpenFile() { ::close(descriptor_); }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;

    template <typename Value>
    void put(std::size_t offset, const Value& value) const {
        EXPECT_EQ(::pwrite(descriptor_, &value, sizeof value, static_cast<off_t>(offset)),
                  static_cast<ssize_t>(sizeof value));
    }

    template <typename Value>
    Value get(std::size_t offset) const {
        Value value{};
        EXPECT_EQ(::pread(descriptor_, &value, sizeof value, static_cast<off_t>(offset)),
                  static_cast<ssize_t>(sizeof value));
        return value;
    }

  private:
    int descriptor_;
};

}  // namespace ndsharray::test
