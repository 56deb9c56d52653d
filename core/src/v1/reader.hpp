// SPDX-License-Identifier: BSD-3-Clause
// Reads a tag that the Python package ndsharray 1.x writes.
#pragma once

#include "platform/platform.hpp"
#include "protocol/files.hpp"
#include "v1/layout.hpp"

#include <ndsharray/frame.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace ndsharray::v1 {

class Frames;

/// For one thread at a time. The files of 1.x do not say whether the writer lives, and 1.x wakes no reader.
/// So this looks again and again, as long as there is a file of 1.x.
class Reader {
  public:
    Reader(const TagFiles& files, const Owner& owner);
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// A copy of the newest frame. It is empty if there is none, if it is not complete, or if it was taken
    /// before.
    /// \param first_of_writer for Frame::first_of_writer()
    /// \throws Error WrongOwner, NotRegular, Damaged, PermissionDenied, TooManyFiles, System; std::bad_alloc.
    Frame take(bool first_of_writer);

    /// Ignores frames that were written before now. They are older than the frames of our writer that left.
    void ignore_until_now() noexcept;

    /// The time of the next look, or the deadline if that is earlier: soon while frames come, and later if
    /// none come. Without files of 1.x it is the deadline: inotify reports new files.
    platform::Deadline next_look(const platform::Deadline& deadline) const noexcept;

  private:
    struct DataFile;

    std::optional<std::string> announced();
    bool open(const std::string& name);
    Frame copy_newest(bool first_of_writer);

    const TagFiles files_;
    const Owner owner_;
    bool is_there_ = false;           // there is a file that may be a control file
    std::unique_ptr<DataFile> data_;  // the file that was read last
    double last_time_ = 0;            // of the last frame in that file
    double ignored_until_ = 0;
    std::uint64_t frames_ = 0;
    std::uint32_t generation_ = 0;
    std::chrono::steady_clock::time_point last_frame_;
};

}  // namespace ndsharray::v1
