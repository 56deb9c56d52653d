// SPDX-License-Identifier: BSD-3-Clause
// Watches a directory by its path, also while it is missing, with several watches of the kernel.
#pragma once

#include "platform/platform.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ndsharray {

/// The watches of one inotify instance. inotify has one watch for each file, so this counts its uses.
class CountedWatches {
  public:
    class Use;

    explicit CountedWatches(platform::FileEvents& events) noexcept : events_(&events) {}

    /// Calls FileEvents::watch_directory(). If the use is empty, errno has the reason.
    Use directory(const std::string& path, std::uint32_t interests);
    Use file(const platform::Descriptor& file);

    /// The kernel has ended this watch.
    void ended(int watch) noexcept { uses_.erase(watch); }

  private:
    Use use(int watch);
    void release(int watch) noexcept;

    platform::FileEvents* events_;
    std::map<int, unsigned> uses_;  // of each watch
};

/// One use of a watch.
class CountedWatches::Use {
  public:
    Use() noexcept = default;
    Use(CountedWatches& watches, int watch) noexcept : watches_(&watches), watch_(watch) {}
    Use(Use&& other) noexcept : watches_(other.watches_), watch_(other.give()) {}
    Use& operator=(Use&& other) noexcept;
    ~Use();

    explicit operator bool() const noexcept { return watch_ >= 0; }
    int number() const noexcept { return watch_; }

  private:
    int give() noexcept;

    CountedWatches* watches_ = nullptr;
    int watch_ = -1;
};

/// A directory, by its path. It may be missing, be removed and made again, be replaced, lose a parent, or be
/// reached by links.
///
/// Each directory on the way is watched for its own removal. Names are watched in the nearest directory that
/// exists, and in its parent: if a process has a file open in a removed directory, only the parent reports
/// the removal. Names are also watched in a directory with a link on the way.
class WatchedDirectory {
  public:
    /// Adds to the events of the directory that are reported.
    /// \returns whether look() is necessary for them.
    bool want(std::uint32_t interests) noexcept;

    /// Watches the present directories of the path. \throws std::bad_alloc: the old watches stay.
    void look(const std::string& path, CountedWatches& watches);

    /// Whether the event is about the directory itself, or about a file in it.
    bool is_of(const platform::FileEvent& event) const noexcept;

    /// Whether the path may lead elsewhere after this event.
    bool is_on_the_way(const platform::FileEvent& event) const noexcept;

    /// Whether the kernel reports when the directory appears, disappears or is replaced.
    bool is_told() const noexcept { return is_told_; }

    /// 0, or an errno if the directory itself is not watched. ENOENT: it is missing. ENOTDIR: it is no
    /// directory.
    int error() const noexcept { return error_; }

    /// The watch of the directory itself, or -1.
    int watch() const noexcept { return watch_.number(); }

  private:
    struct Place;
    static std::vector<Place> way_to(const std::string& path);
    void watch_along(const std::vector<Place>& way, CountedWatches& watches);

    /// A directory that is watched for the next one on the way.
    struct Step {
        CountedWatches::Use watch;
        std::string next;
    };

    std::vector<Step> steps_;
    CountedWatches::Use watch_;
    std::uint32_t interests_ = 0;
    int error_ = 0;
    bool is_told_ = false;
};

}  // namespace ndsharray
