// SPDX-License-Identifier: BSD-3-Clause
// Events of files: inotify, and the kernel's table of mounts.
#pragma once

#include "platform/clock.hpp"
#include "platform/file.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace ndsharray::platform {

/// The events of a directory to report, as bits.
namespace interest {
inline constexpr std::uint32_t itself = 1;     // the directory is moved, removed or unmounted
inline constexpr std::uint32_t appearing = 2;  // a file in it gets a name
inline constexpr std::uint32_t vanishing = 4;  // a file in it loses a name
inline constexpr std::uint32_t contents = 8;   // a file in it is written or closed through the file system
}  // namespace interest

/// Something happened to a watched file or directory.
struct FileEvent {
    enum class Kind {
        Entry,   ///< about a file in the watched directory, or about the watched file
        Itself,  ///< the watched directory was moved, removed or unmounted
        Ended,   ///< the watched file or directory is gone, and the watch with it
        Lost,    ///< events were lost
        Mounts,  ///< a file system was mounted or unmounted
    };
    Kind kind = Kind::Entry;
    int watch = -1;
    std::string name{};     // of the file in the directory
    bool appeared = false;  // the file got this name
    bool closed = false;    // a process that could write the file closed it
};

/// An inotify instance with an eventfd to interrupt its wait.
class FileEvents {
  public:
    /// If it fails, this is false, and errno has the reason.
    FileEvents();

    explicit operator bool() const noexcept { return static_cast<bool>(inotify_); }

    /// Reports these events of the directory, in addition to the present ones: each directory has one watch.
    /// \returns a watch number, or -1 and errno.
    int watch_directory(const std::string& path, std::uint32_t interests) noexcept;

    /// Reports when this open file is written with write(2), is unlinked, or is closed by a process that
    /// could write it (its death included). \returns a watch number, or -1.
    int watch_file(const Descriptor& file) noexcept;
    void forget(int watch) noexcept;

    /// Sleeps until there are events, interrupt() or the deadline.
    void wait(const Deadline& deadline) noexcept;

    /// The events since the last call. For one thread at a time. Another thread may be in wait().
    std::vector<FileEvent> take();
    void interrupt() noexcept;

  private:
    Descriptor inotify_;
    Descriptor interrupt_;
    Descriptor mounts_;
    std::atomic<bool> mounts_changed_{false};
};

}  // namespace ndsharray::platform
