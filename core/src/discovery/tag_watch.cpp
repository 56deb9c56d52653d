// SPDX-License-Identifier: BSD-3-Clause
// Being told when tags appear, change or go: inotify on the directory, nothing else.
#include <ndsharray/tag_watch.hpp>

#include "platform/platform.hpp"
#include "protocol/files.hpp"

#include <ndsharray/tag.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <set>
#include <utility>

namespace ndsharray {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// How long after a file was closed its tag is looked at again: core/PROTOCOL.md, 2.
constexpr std::array repeats{2ms, 20ms, 200ms};

/// How often a directory that is gone is looked for.
constexpr auto directory_check = 200ms;

/// The tag of which this is the control file; nothing for any other name. What a writer does to a control
/// file that it made is told under the name it made it by: the temporary one.
std::optional<std::string> tag_of(const std::string& file_name) {
    if (!file_name.starts_with(file_prefix))
        return std::nullopt;
    std::string tag = file_name.substr(file_prefix.size());
    if (tag.starts_with('.') && has_segment_suffix(tag))
        tag = tag.substr(1, tag.size() - 1 - segment_suffix_length);
    return tag_problem(tag).empty() ? std::optional(std::move(tag)) : std::nullopt;
}

struct Reminder {
    Clock::time_point when;
    std::string tag;
};

}  // namespace

class TagWatch::Implementation {
  public:
    Implementation() : directory_(directory()) {
        if (!events_)
            throw Error(errno == EMFILE || errno == ENFILE ? ErrorCode::TooManyFiles : ErrorCode::System,
                        "cannot watch " + directory_ + ": " + platform::error_text(errno) +
                            "; close files, or raise fs.inotify.max_user_instances (sysctl)");
        watch_ = events_.watch_changes(directory_);
        if (watch_ < 0)
            throw_errno(errno, "watch", directory_);
    }

    TagChanges wait(std::optional<std::chrono::nanoseconds> timeout);
    void cancel() noexcept {
        cancelled_.store(true, std::memory_order_release);
        events_.interrupt();
    }
    void resume() noexcept { cancelled_.store(false, std::memory_order_release); }

  private:
    void take(const platform::FileEvent& event);
    void take_reminders();
    void look_for_directory();
    platform::Deadline next_look(platform::Deadline deadline) const;

    const std::string directory_;
    platform::FileEvents events_;
    std::atomic<bool> cancelled_{false};

    int watch_ = -1;  // -1: the directory is gone
    std::set<std::string> changed_;
    bool all_ = false;
    std::vector<Reminder> reminders_;
};

TagChanges TagWatch::Implementation::wait(std::optional<std::chrono::nanoseconds> timeout) {
    const platform::Deadline deadline = platform::deadline_after(timeout);
    for (platform::Deadline until = Clock::now();; until = next_look(deadline)) {
        if (cancelled_.load(std::memory_order_acquire))
            return {WatchStatus::Cancelled, {}, false};
        for (const platform::FileEvent& event : events_.wait(until))
            take(event);
        take_reminders();
        if (watch_ < 0)
            look_for_directory();
        if (!changed_.empty() || all_) {
            const auto changed = std::exchange(changed_, {});
            return {WatchStatus::Changed, {changed.begin(), changed.end()}, std::exchange(all_, false)};
        }
        // Events may be waiting behind a deadline that has passed: they were looked at above.
        if (platform::has_passed(deadline) && !cancelled_.load(std::memory_order_acquire))
            return {};
    }
}

void TagWatch::Implementation::take(const platform::FileEvent& event) {
    if (event.watch < 0) {
        all_ = true;
        return;
    }
    if (event.watch != watch_)
        return;  // of a watch that ended before
    if (event.ended) {
        events_.forget(std::exchange(watch_, -1));
        all_ = true;
        return;
    }
    const auto tag = tag_of(event.name);
    if (!tag)
        return;
    changed_.insert(*tag);
    if (event.closed)
        for (const auto delay : repeats)
            reminders_.push_back({Clock::now() + delay, *tag});
}

void TagWatch::Implementation::take_reminders() {
    const auto now = Clock::now();
    std::erase_if(reminders_, [&](const Reminder& reminder) {
        if (reminder.when > now)
            return false;
        changed_.insert(reminder.tag);
        return true;
    });
}

void TagWatch::Implementation::look_for_directory() {
    watch_ = events_.watch_changes(directory_);
    all_ = all_ || watch_ >= 0;
}

platform::Deadline TagWatch::Implementation::next_look(platform::Deadline deadline) const {
    for (const Reminder& reminder : reminders_)
        deadline = deadline ? std::min(*deadline, reminder.when) : reminder.when;
    return watch_ < 0 ? platform::no_later_than(deadline, directory_check) : deadline;
}

TagWatch::TagWatch() : implementation_(std::make_unique<Implementation>()) {}
TagWatch::~TagWatch() = default;
TagWatch::TagWatch(TagWatch&& other) noexcept = default;
TagWatch& TagWatch::operator=(TagWatch&& other) noexcept = default;

TagChanges TagWatch::wait(std::optional<std::chrono::nanoseconds> timeout) {
    return implementation_->wait(timeout);
}

void TagWatch::cancel() noexcept {
    implementation_->cancel();
}
void TagWatch::resume() noexcept {
    implementation_->resume();
}

std::string_view name(WatchStatus status) noexcept {
    switch (status) {
        case WatchStatus::Changed:
            return "Changed";
        case WatchStatus::Timeout:
            return "Timeout";
        case WatchStatus::Cancelled:
            return "Cancelled";
    }
    return "invalid";
}

}  // namespace ndsharray
