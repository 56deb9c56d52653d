// SPDX-License-Identifier: BSD-3-Clause
// Hearing of what happens to files: inotify, and the kernel's table of mounts.
#pragma once

#include "platform/clock.hpp"
#include "platform/file.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace ndsharray::platform {

/// What is to be told of a directory; bits.
namespace interest {
inline constexpr std::uint32_t itself = 1;     // it is moved, removed or unmounted
inline constexpr std::uint32_t appearing = 2;  // something in it gets a name
inline constexpr std::uint32_t vanishing = 4;  // something in it loses a name
inline constexpr std::uint32_t contents = 8;   // a file in it is written or closed through the file system
}  // namespace interest

/// Something happened to a watched file or directory.
struct FileEvent {
    enum class Kind {
        Entry,   ///< something in the watched directory; or to the watched file
        Itself,  ///< the watched directory was moved, removed or unmounted
        Ended,   ///< the watch: what it watched is gone
        Lost,    ///< events were lost
        Mounts,  ///< some file system was mounted or unmounted
    };
    Kind kind = Kind::Entry;
    int watch = -1;
    std::string name{};     // of what is in the directory
    bool appeared = false;  // got that name
    bool closed = false;    // by somebody who could write it
};

/// An inotify instance with an eventfd to interrupt its wait.
class FileEvents {
  public:
    /// errno says why, where this is false then.
    FileEvents();

    explicit operator bool() const noexcept { return static_cast<bool>(inotify_); }

    /// Reports this of the directory, besides what it reports of it already: there is one watch for each
    /// directory. \returns a watch number, or -1; errno says why.
    int watch_directory(const std::string& path, std::uint32_t interests) noexcept;

    /// Reports that this open file was closed by someone who could write it (death included), was written
    /// with write(2), or was unlinked. \returns a watch number, or -1.
    int watch_file(const Descriptor& file) noexcept;
    void forget(int watch) noexcept;

    /// Sleeps until there are events, interrupt() or the deadline.
    void wait(const Deadline& deadline) noexcept;

    /// Events since the last call. Not for two threads at once, but beside wait().
    std::vector<FileEvent> take();
    void interrupt() noexcept;

  private:
    Descriptor inotify_;
    Descriptor interrupt_;
    Descriptor mounts_;
    std::atomic<bool> mounts_changed_{false};
};

}  // namespace ndsharray::platform
