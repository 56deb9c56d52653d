// SPDX-License-Identifier: BSD-3-Clause
// Reading a tag that the Python package ndsharray 1.x writes.
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

/// For one thread at a time. 1.x does not say whether its writer lives, and does not wake anybody: this has
/// to look again and again, as long as there is a file of it.
class Reader {
  public:
    Reader(const TagFiles& files, const Owner& owner);
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// A copy of the newest frame. An empty one if that was taken before, or is not complete, or there is
    /// none.
    /// \param first_of_writer what the frame says of itself
    /// \throws Error WrongOwner, NotRegular, Damaged, PermissionDenied, TooManyFiles, System; std::bad_alloc.
    Frame take(bool first_of_writer);

    /// Frames that were written before now are not wanted: they are older than those of a writer of ours that
    /// left.
    void ignore_until_now() noexcept;

    /// When to look again, if not at the deadline: soon while frames come, less often when they do not, and
    /// not at all without files of 1.x, whose coming inotify tells.
    platform::Deadline next_look(const platform::Deadline& deadline) const noexcept;

  private:
    struct DataFile;

    std::optional<std::string> announced();
    bool open(const std::string& name);
    Frame copy_newest(bool first_of_writer);

    const TagFiles files_;
    const Owner owner_;
    bool is_there_ = false;           // there is what may be a control file
    std::unique_ptr<DataFile> data_;  // the one that was read last
    double last_time_ = 0;            // of the last frame in that file
    double ignored_until_ = 0;
    std::uint64_t frames_ = 0;
    std::uint32_t generation_ = 0;
    std::chrono::steady_clock::time_point last_frame_;
};

}  // namespace ndsharray::v1
