// SPDX-License-Identifier: BSD-3-Clause
// Being told when a tag's files appear, change hands or lose their owner: one inotify thread per process.
#pragma once

#include "platform/platform.hpp"

#include <functional>
#include <memory>
#include <string>

namespace ndsharray {

/// Calls back, from the library's watching thread, when something may have happened to a file. A hint to
/// look again: it may come for nothing, and where the system has no inotify to give the Watch is empty and
/// nothing ever comes, so the owner has to look every now and then by itself.
class Watch {
  public:
    using Callback = std::function<void()>;

    Watch() noexcept = default;

    /// When a file of this name appears in the directory.
    static Watch directory(const std::string& path, const std::string& name, Callback callback);

    /// When somebody who could write the file closed it (or died), wrote to it, or unlinked it. The kernel
    /// tells of a close just before it drops the closer's locks, so the callback comes again shortly after.
    static Watch file(const platform::Descriptor& file, Callback callback);

    Watch(Watch&& other) noexcept;
    Watch& operator=(Watch&& other) noexcept;

    /// Ends it; when this returns no callback is under way. Not to be called from the callback.
    ~Watch();

    explicit operator bool() const noexcept { return registration_ != nullptr; }

    struct Registration;

  private:
    explicit Watch(std::shared_ptr<Registration> registration) noexcept;

    std::shared_ptr<Registration> registration_;
};

}  // namespace ndsharray
