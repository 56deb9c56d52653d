// SPDX-License-Identifier: BSD-3-Clause
// A reader table without room.
#pragma once

#include <ndsharray/writer.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

namespace ndsharray::test {

/// Holds the lock of every entry that nobody has, so that a reader which comes finds none and copies.
class FullTable {
  public:
    explicit FullTable(const std::filesystem::path& table)
        : file_(::open(table.c_str(), O_RDWR | O_CLOEXEC)) {
        for (unsigned i = 0; i < max_readers; ++i) {
            struct flock request {};
            request.l_type = F_WRLCK;
            request.l_start = i;
            request.l_len = 1;
            ::fcntl(file_, F_OFD_SETLK, &request);  // those that are taken, others hold
        }
    }
    ~FullTable() { ::close(file_); }
    FullTable(const FullTable&) = delete;
    FullTable& operator=(const FullTable&) = delete;

  private:
    int file_;
};

}  // namespace ndsharray::test
