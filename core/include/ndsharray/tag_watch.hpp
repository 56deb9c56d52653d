// SPDX-License-Identifier: BSD-3-Clause
// Reports when tags appear, change or disappear.
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

/// Why TagWatch::wait returned.
enum class WatchStatus {
    Changed,    ///< TagChanges names the tags to inspect
    Timeout,    ///< nothing changed in time
    Cancelled,  ///< TagWatch::cancel() was called
};

/// Name of the status, such as "Changed".
NDSHARRAY_API std::string_view name(WatchStatus status) noexcept;

/// Tags that may have changed.
struct TagChanges {
    WatchStatus status = WatchStatus::Timeout;
    std::vector<std::string> tags;  ///< inspect these; sorted, each once
    bool all = false;               ///< inspect every tag: too much happened at once, or the directory is new
};

/// Watches directory(). Reports these changes of a tag:
/// - it appears or disappears;
/// - it gets another segment, and so another layout or other attributes;
/// - its stream ends, or a new stream starts;
/// - another writer takes it over;
/// - its writer closes it or dies.
/// Frames and readers are not reported.
///
/// A report is a hint to call inspect(). There may be a report without a change, and one report for several
/// changes. A death may be reported up to four times within 200 ms, because the kernel reports it before it
/// releases the tag.
///
/// To miss nothing, make the TagWatch first, then call tag_names(), then wait(). The wait sleeps in the
/// kernel. A TagWatch does not work in a forked child. If a TagWatch was moved from, its wait() throws an
/// Error with the code Closed.
///
/// The directory may be missing, at first or later. Then wait() sleeps until it is made, and obstacle() says
/// that it is missing. If the kernel cannot report this, because the nearest existing directory may not be
/// listed, wait() looks five times a second.
class NDSHARRAY_API TagWatch {
  public:
    /// Starts to watch. The directory need not exist.
    /// \throws Error TooManyFiles (also at the system's limit of inotify instances or watches),
    /// PermissionDenied, System.
    TagWatch();
    ~TagWatch();
    TagWatch(TagWatch&& other) noexcept;
    TagWatch& operator=(TagWatch&& other) noexcept;
    TagWatch(const TagWatch&) = delete;
    TagWatch& operator=(const TagWatch&) = delete;

    /// Returns the changes since the last call, or since the TagWatch was made. If there are none, waits for
    /// one up to `timeout` (nothing: for ever; zero: does not wait). Call it in one thread at a time. If the
    /// directory is removed, replaced, mounted over or made again, `all` is set.
    TagChanges wait(std::optional<std::chrono::nanoseconds> timeout = std::nullopt);

    /// Makes wait() return Cancelled, both a wait() that runs now and every later one until resume(). May be
    /// called from any thread, and from a signal handler.
    void cancel() noexcept;
    void resume() noexcept;

    /// The reason why no tag can appear now: the directory is missing, or may not be listed. wait() wakes up
    /// when the directory is made. The code is None if there is no such reason. Looks at the file system. May
    /// be called from any thread.
    Error obstacle() const;

  private:
    class Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace ndsharray
