// SPDX-License-Identifier: BSD-3-Clause
// Hearing of what happens to files: inotify.
#pragma once

#include "platform/clock.hpp"
#include "platform/file.hpp"

#include <string>
#include <vector>

namespace ndsharray::platform {

/// Something happened to a watched file or directory.
struct FileEvent {
    int watch = -1;       // -1: events were lost
    std::string name;     // of the file in a watched directory
    bool closed = false;  // by somebody who could write it
    bool ended = false;   // the watch: what it watched is gone
};

/// An inotify instance with an eventfd to interrupt its wait.
class FileEvents {
  public:
    FileEvents();

    explicit operator bool() const noexcept { return static_cast<bool>(inotify_); }

    /// Reports files that get a name in this directory. \returns a watch number, or -1.
    int watch_directory(const std::string& path) noexcept;

    /// Reports all that happens to names and contents of files in this directory through the file system, not
    /// what is written through a mapping. For an instance that watches no directory in the other way: it
    /// would have one watch of both. \returns a watch number, or -1; errno says why.
    int watch_changes(const std::string& path) noexcept;

    /// Reports that this open file was closed by someone who could write it (death included), was written
    /// with write(2), or was unlinked. \returns a watch number, or -1.
    int watch_file(const Descriptor& file) noexcept;
    void forget(int watch) noexcept;

    /// Events since the last call; sleeps until there are some, interrupt() or the deadline.
    std::vector<FileEvent> wait(const Deadline& deadline);
    void interrupt() noexcept;

  private:
    Descriptor inotify_;
    Descriptor interrupt_;
};

}  // namespace ndsharray::platform
