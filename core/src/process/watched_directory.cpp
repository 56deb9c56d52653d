// SPDX-License-Identifier: BSD-3-Clause
// Watches a directory by its path, also while it is missing, with several watches of the kernel.
#include "process/watched_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

namespace ndsharray {

// ---- watches

CountedWatches::Use CountedWatches::directory(const std::string& path, std::uint32_t interests) {
    return use(events_->watch_directory(path, interests));
}

CountedWatches::Use CountedWatches::file(const platform::Descriptor& file) {
    return use(events_->watch_file(file));
}

CountedWatches::Use CountedWatches::use(int watch) {
    if (watch < 0)
        return {};
    try {
        ++uses_[watch];
    } catch (...) {
        events_->forget(watch);  // it has no other use, because it is not in the map
        throw;
    }
    return {*this, watch};
}

void CountedWatches::release(int watch) noexcept {
    const auto found = uses_.find(watch);
    if (found == uses_.end() || --found->second > 0)
        return;
    uses_.erase(found);
    events_->forget(watch);
}

CountedWatches::Use& CountedWatches::Use::operator=(Use&& other) noexcept {
    std::swap(watches_, other.watches_);
    std::swap(watch_, other.watch_);
    return *this;
}

CountedWatches::Use::~Use() {
    if (watch_ >= 0)
        watches_->release(watch_);
}

int CountedWatches::Use::give() noexcept {
    return std::exchange(watch_, -1);
}

// ---- the way

/// A directory on the way, or the last one, at the time of a look. No part of its path is a link that is
/// not of /proc.
struct WatchedDirectory::Place {
    std::string path;
    std::string next{};         // name of the next part of the way
    bool next_is_link = false;  // the next place is the target of this link
    std::optional<platform::FileStatus> status{};
    int error = 0;  // if there is no status

    bool is_directory() const noexcept { return status && status->directory; }
    bool operator==(const Place& other) const noexcept {
        return path == other.path && next == other.next && next_is_link == other.next_is_link &&
               status.has_value() == other.status.has_value() &&
               (!status || status->same_file(*other.status));
    }
};

/// From the root, or from the working directory, down to the path.
std::vector<WatchedDirectory::Place> WatchedDirectory::way_to(const std::string& path) {
    using Path = std::filesystem::path;
    constexpr int most_links = 40;  // the limit of the kernel
    const auto place_at = [](const Path& at) {
        Place place{at.string()};
        errno = 0;
        place.status = platform::status_of(place.path);
        place.error = place.status ? 0 : errno;
        return place;
    };
    std::vector<Path> left;  // the rest of the way; the next part is the last element
    const auto go_along = [&](const Path& parts) {
        const std::vector<Path> in_order(parts.begin(), parts.end());
        left.insert(left.end(), in_order.rbegin(), in_order.rend());
    };
    go_along(Path(path).relative_path());
    Path so_far = Path(path).is_absolute() ? "/" : ".";
    std::vector<Place> way{place_at(so_far)};
    for (int links = 0; !left.empty();) {
        const Path part = std::move(left.back());
        left.pop_back();
        if (part.empty() || part == ".")
            continue;
        way.back().next = part.string();
        Place place = place_at(so_far / part);
        if (place.status && place.status->link && platform::is_on_proc(so_far)) {
            place = place_at(so_far / part / ".");  // the directory behind the link
        } else if (place.status && place.status->link) {
            std::error_code error;
            const Path target = std::filesystem::read_symlink(place.path, error);
            if (!error && ++links <= most_links) {
                way.back().next_is_link = true;
                go_along(target.relative_path());
                if (target.is_absolute())
                    so_far = "/";
                way.push_back(place_at(so_far));
                continue;
            }
            place.error = error ? error.value() : ELOOP;
            place.status.reset();
        }
        so_far /= part;
        way.push_back(std::move(place));
    }
    return way;
}

// ---- the directory

bool WatchedDirectory::want(std::uint32_t interests) noexcept {
    const std::uint32_t wanted = interests_ | interests;
    return std::exchange(interests_, wanted) != wanted || !is_told_;
}

/// Watches the way, then checks whether it is unchanged. From then on, changes are reported.
void WatchedDirectory::look(const std::string& path, CountedWatches& watches) {
    // If a process makes and removes directories all the time, the last watches report that.
    constexpr int most_looks = 8;
    std::vector<Place> way = way_to(path);
    for (int look = 0; look < most_looks; ++look) {
        watch_along(way, watches);
        std::vector<Place> now = way_to(path);
        if (now == way)
            break;
        way = std::move(now);
    }
}

void WatchedDirectory::watch_along(const std::vector<Place>& way, CountedWatches& watches) {
    using namespace platform::interest;
    const Place& goal = way.back();
    std::size_t nearest = way.size() - 1;
    while (nearest > 0 && !way[nearest].is_directory())
        --nearest;
    std::vector<Step> steps;
    for (std::size_t i = 0; i <= nearest && !way[i].next.empty(); ++i) {
        const bool names_matter = i + 1 >= nearest || way[i].next_is_link;
        const std::uint32_t interests = itself | (names_matter ? appearing | vanishing : 0);
        steps.push_back({watches.directory(way[i].path, interests), way[i].next});
    }
    CountedWatches::Use watch;
    int error = goal.status ? ENOTDIR : goal.error;
    if (goal.is_directory()) {
        watch = watches.directory(goal.path, itself | interests_);
        error = watch ? 0 : errno;
    }
    const bool is_missing = !goal.is_directory() && (error == ENOENT || error == ENOTDIR);
    is_told_ = error == 0 || (is_missing && !steps.empty() && steps.back().watch);
    error_ = error;
    // The old watches end after the new ones begin, so that no event is lost.
    steps_.swap(steps);
    std::swap(watch_, watch);
}

bool WatchedDirectory::is_of(const platform::FileEvent& event) const noexcept {
    return event.watch >= 0 && watch_.number() == event.watch;
}

bool WatchedDirectory::is_on_the_way(const platform::FileEvent& event) const noexcept {
    return event.watch >= 0 && std::any_of(steps_.begin(), steps_.end(), [&](const Step& step) {
               return step.watch.number() == event.watch &&
                      (event.kind != platform::FileEvent::Kind::Entry || event.name == step.next);
           });
}

}  // namespace ndsharray
