// SPDX-License-Identifier: BSD-3-Clause
// Reports events of files and directories. All watches of a process share one inotify thread.
#pragma once

#include "platform/platform.hpp"

#include <functional>
#include <memory>
#include <string>

namespace ndsharray {

/// Reports that something may have happened to a file or a directory. A report is a hint to look again: there
/// may be a report without a change.
///
/// A directory is watched by its path. It may be missing, be removed and made again, replaced, or mounted
/// over, or it may lose a parent. Then the nearest directory that exists is watched until it appears. Nothing
/// polls.
class FileWatcher {
  public:
    class Watch;
    struct Change;

    /// Starts the thread, if it does not run yet.
    /// \returns 0, or an errno: there is no inotify. \throws Error System: the system refuses a thread.
    static int start();

    /// Calls back, in the watching thread of the library, when a file of this name appears in the directory,
    /// and when the directory appears, disappears or is replaced. Calls again shortly after.
    static Watch file_named(const std::string& name, const std::string& directory,
                            std::function<void()> callback);

    /// Calls back when the file is written or unlinked, or when a process that could write it closes it or
    /// dies. The kernel reports a close just before it releases the locks. So this calls again shortly after.
    static Watch file(const platform::Descriptor& file, std::function<void()> callback);

    /// Calls back for each change of names and contents of files in the directory, and again shortly after a
    /// close. Also calls back when the directory appears, disappears or is replaced. The call comes in any
    /// thread that uses FileWatcher, with a mutex held: the callback may only take a note.
    static Watch directory(const std::string& path, std::function<void(const Change&)> callback);

    /// Calls the callbacks of directory() for all earlier events, before this returns.
    static void catch_up();
};

/// A possible change in a directory.
struct FileWatcher::Change {
    std::string name;  ///< of the file
    bool all = false;  ///< anything may have changed: events were lost, or it is about the directory itself
};

/// One watch. It reports as long as it lives.
class FileWatcher::Watch {
  public:
    Watch() noexcept = default;
    Watch(Watch&& other) noexcept;
    Watch& operator=(Watch&& other) noexcept;

    /// Ends the watch. When this returns, no callback is running. Do not call it in the callback.
    ~Watch();

    /// Whether the kernel reports changes. If it does not (there is no inotify, or no permission), the owner
    /// has to poll, and may ask for a new Watch.
    explicit operator bool() const noexcept;

    /// 0, or an errno if the directory itself is not watched. ENOENT or ENOTDIR: it is missing.
    int error() const noexcept;

    struct Registration;

  private:
    friend class FileWatcher;
    explicit Watch(std::shared_ptr<Registration> registration) noexcept;

    std::shared_ptr<Registration> registration_;
};

}  // namespace ndsharray
