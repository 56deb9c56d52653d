// SPDX-License-Identifier: BSD-3-Clause
// Being told of what happens to files and directories: one inotify thread per process, for all who ask.
#pragma once

#include "platform/platform.hpp"

#include <functional>
#include <memory>
#include <string>

namespace ndsharray {

/// Tells of what may have happened to a file or a directory. A hint to look again: it may come for nothing.
///
/// A directory is watched by its path, whatever is there. It may be missing, be removed and made again,
/// replaced, mounted over, or lose a parent: then the nearest directory that exists is watched for its
/// coming. Nothing looks every now and then.
class FileWatcher {
  public:
    class Watch;
    struct Change;

    /// Starts the thread, if it does not run yet.
    /// \returns 0, or the errno that says why there is no inotify. \throws Error System: no thread is to be
    /// had.
    static int start();

    /// Calls back, from the library's watching thread, when a file of this name appears in the directory, and
    /// when the directory comes, goes or is another one; then again shortly after.
    static Watch file_named(const std::string& name, const std::string& directory,
                            std::function<void()> callback);

    /// The same when somebody who could write the file closed it (or died), wrote to it, or unlinked it. The
    /// kernel tells of a close just before it drops the closer's locks, so the callback comes again shortly
    /// after.
    static Watch file(const platform::Descriptor& file, std::function<void()> callback);

    /// Calls back for each change of names and contents of files in the directory, again shortly after a
    /// close, and when the directory comes, goes or is another one. From any thread that calls in here, with
    /// a mutex held: the callback only takes a note.
    static Watch directory(const std::string& path, std::function<void(const Change&)> callback);

    /// Has what happened before told to the callbacks of directory(), before this returns.
    static void catch_up();
};

/// What may have changed in a directory.
struct FileWatcher::Change {
    std::string name;  ///< of the file
    bool all = false;  ///< anything: events were lost, or the directory came, went or is another one
};

/// Somebody's wish to be told, for as long as this lives.
class FileWatcher::Watch {
  public:
    Watch() noexcept = default;
    Watch(Watch&& other) noexcept;
    Watch& operator=(Watch&& other) noexcept;

    /// Ends it; when this returns no callback is under way. Not to be called from the callback.
    ~Watch();

    /// Whether the kernel tells of changes. Where it does not (there is no inotify to be had, or a directory
    /// may not be looked at), the owner has to look every now and then, and may ask for a new Watch.
    explicit operator bool() const noexcept;

    /// Why the directory is not watched itself, an errno, or 0. ENOENT or ENOTDIR: it is missing.
    int error() const noexcept;

    struct Registration;

  private:
    friend class FileWatcher;
    explicit Watch(std::shared_ptr<Registration> registration) noexcept;

    std::shared_ptr<Registration> registration_;
};

}  // namespace ndsharray
