// SPDX-License-Identifier: BSD-3-Clause
// A directory that is watched by its path, also while it is missing: which watches of the kernel that takes.
#pragma once

#include "platform/platform.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ndsharray {

/// The watches of one inotify instance. It has one watch for each file, whoever asks for it: this counts
/// them.
class CountedWatches {
  public:
    class Use;

    explicit CountedWatches(platform::FileEvents& events) noexcept : events_(&events) {}

    /// As FileEvents::watch_directory(). A use that is not there says why: errno.
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

/// Somebody's use of a watch.
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

/// What a path of a directory leads to. It may be missing, be removed and made again, be replaced, lose a
/// parent, or be reached by links.
///
/// Each directory on the way is watched for going away itself. The nearest one that exists, and the one in
/// which that has its name, are watched for names, too: nobody tells of the removal of a directory in which
/// somebody has a file open but its parent. So is one that holds a link on the way.
class WatchedDirectory {
  public:
    /// Has `interests` of the directory itself reported besides what is reported already.
    /// \returns whether it has to be looked at anew for that.
    bool want(std::uint32_t interests) noexcept;

    /// Watches what the path leads to now. \throws std::bad_alloc: what was watched before stays watched.
    void look(const std::string& path, CountedWatches& watches);

    /// Whether the event is about the directory itself or what is in it.
    bool is_of(const platform::FileEvent& event) const noexcept;

    /// Whether the path may lead elsewhere after this event.
    bool is_on_the_way(const platform::FileEvent& event) const noexcept;

    /// Whether the kernel tells when it comes, goes or is another one.
    bool is_told() const noexcept { return is_told_; }

    /// Why the directory is not watched itself, an errno. ENOENT or ENOTDIR: it is missing, or no directory.
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
