// SPDX-License-Identifier: BSD-3-Clause
// Being told when tags appear, change or go.
#pragma once

#include <ndsharray/error.hpp>
#include <ndsharray/export.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ndsharray {

/// Why TagWatch::wait came back.
enum class WatchStatus {
    Changed,    ///< TagChanges says what to look at
    Timeout,    ///< nothing changed in time
    Cancelled,  ///< TagWatch::cancel() was called
};

/// Name of the status, such as "Changed".
NDSHARRAY_API std::string_view name(WatchStatus status) noexcept;

/// What may have changed.
struct TagChanges {
    WatchStatus status = WatchStatus::Timeout;
    std::vector<std::string> tags;  ///< look at these: sorted, each once
    bool all = false;               ///< look at every tag: too much happened at once, or the directory is new
};

/// Watches directory(). Tells of each tag that appeared, disappeared, got another segment (so another layout
/// or other attributes), ended its stream, went on after that, was taken over, closed, or whose writer died.
/// Not of frames, and not of readers.
///
/// What it tells is a hint to look, with inspect(): it may come for nothing, and several changes may come as
/// one. A death may be told up to four times, over 200 ms, because the kernel tells of it before it lets go
/// of the tag.
///
/// To miss nothing, make the TagWatch first, then look at tag_names(), then wait() for changes. It sleeps in
/// the kernel meanwhile. It is of no use in a forked child.
class NDSHARRAY_API TagWatch {
  public:
    /// Starts to watch.
    /// \throws Error TooManyFiles (also the system's limit of inotify instances or watches),
    /// PermissionDenied, System: among them that there is no such directory.
    TagWatch();
    ~TagWatch();
    TagWatch(TagWatch&& other) noexcept;
    TagWatch& operator=(TagWatch&& other) noexcept;
    TagWatch(const TagWatch&) = delete;
    TagWatch& operator=(const TagWatch&) = delete;

    /// What changed since the last call, or since the TagWatch was made; waits up to `timeout` for something
    /// to change (nothing: for ever; zero: just looks). For one thread at a time. If the directory is
    /// removed, replaced or mounted over, and when it is there again, this tells so with `all`.
    TagChanges wait(std::optional<std::chrono::nanoseconds> timeout = std::nullopt);

    /// Makes a wait(), and every later one, return Cancelled until resume(). From any thread, and from a
    /// signal handler.
    void cancel() noexcept;
    void resume() noexcept;

  private:
    class Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace ndsharray
