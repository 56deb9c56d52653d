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
        for (unsigned i = 0; i < max_readers; ++i)
            set(F_WRLCK, i, 1);  // those that are taken, others hold
    }
    ~FullTable() {
        set(F_UNLCK, 0, max_readers);  // at once: a child that is just being started may have the file open
        ::close(file_);
    }
    FullTable(const FullTable&) = delete;
    FullTable& operator=(const FullTable&) = delete;

  private:
    void set(short type, off_t start, off_t length) const {
        struct flock request {};
        request.l_type = type;
        request.l_start = start;
        request.l_len = length;
        ::fcntl(file_, F_OFD_SETLK, &request);
    }

    int file_;
};

}  // namespace ndsharray::test
