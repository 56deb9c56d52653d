// SPDX-License-Identifier: BSD-3-Clause
// Reports when tags appear, change or disappear.
#include <ndsharray/tag_watch.hpp>

#include "platform/platform.hpp"
#include "process/file_watcher.hpp"
#include "process/interrupt.hpp"
#include "process/only_errors.hpp"
#include "protocol/files.hpp"

#include <ndsharray/tag.hpp>

#include <cerrno>
#include <mutex>
#include <set>
#include <utility>

namespace ndsharray {
namespace {

using namespace std::chrono_literals;

/// Time between two looks at a directory of which the kernel reports nothing.
constexpr auto directory_check = 200ms;

/// The tag of a control file. Nothing for any other name. inotify reports each change of a control file under
/// its first name, which is temporary.
std::optional<std::string> tag_of_control(const std::string& file_name) {
    std::optional<std::string> tag = tag_of(file_name);
    if (tag && !is_control(file_name) && !is_temporary(file_name))
        tag.reset();
    return tag;
}

Error moved_watch() {
    return {ErrorCode::Closed, "this TagWatch was moved from: use the one that it was moved to"};
}

}  // namespace

class [[gnu::visibility("hidden")]] TagWatch::Implementation {
  public:
    Implementation() : directory_(directory()) {
        if (const int error = FileWatcher::start(); error != 0)
            throw Error(error == EMFILE || error == ENFILE ? ErrorCode::TooManyFiles : ErrorCode::System,
                        "cannot watch " + directory_ + ": " + platform::error_text(error) +
                            "; close files, or raise fs.inotify.max_user_instances (sysctl)");
        watch();
        const int error = watch_.error();
        if (error != 0 && error != ENOENT && error != ENOTDIR)
            throw_errno(error, "watch", directory_);
    }

    TagChanges wait(std::optional<std::chrono::nanoseconds> timeout);
    void cancel() noexcept {
        interrupt_.cancel();
    }
    void resume() noexcept {
        interrupt_.resume();
    }
    Error obstacle() const;

  private:
    void watch() {
        watch_ = FileWatcher::directory(directory_, [this](const auto& change) { note(change); });
    }
    void note(const FileWatcher::Change& change);
    std::optional<TagChanges> take();

    const std::string directory_;
    Interrupt interrupt_;

    std::mutex mutex_;  // guards the notes
    std::set<std::string> changed_;
    bool all_ = false;

    FileWatcher::Watch watch_;  // last: its callback uses the rest
};

TagChanges TagWatch::Implementation::wait(std::optional<std::chrono::nanoseconds> timeout) {
    const platform::Deadline deadline = platform::deadline_after(timeout);
    FileWatcher::catch_up();
    for (;;) {
        const platform::Watched interrupted = interrupt_.now();
        if (interrupt_.cancelled())
            return {WatchStatus::Cancelled, {}, false};
        if (auto changes = take())
            return std::move(*changes);
        if (platform::has_passed(deadline))
            return {};
        const bool is_told = static_cast<bool>(watch_);
        platform::wait_private(interrupted,
                               is_told ? deadline : platform::no_later_than(deadline, directory_check));
        if (!is_told) {
            watch();
            if (watch_.error() == 0)
                note({{}, true});
        }
    }
}

/// Runs in any thread that uses FileWatcher, so it only takes a note.
void TagWatch::Implementation::note(const FileWatcher::Change& change) {
    const auto tag = change.all ? std::nullopt : tag_of_control(change.name);
    if (!change.all && !tag)
        return;
    {
        const std::lock_guard guard(mutex_);
        all_ = all_ || change.all;
        if (tag)
            changed_.insert(*tag);
    }
    interrupt_.notify();
}

Error TagWatch::Implementation::obstacle() const {
    if (std::string problem = directory_problem(directory_); !problem.empty())
        return {ErrorCode::System, std::move(problem)};
    try {
        names_in(directory_);
    } catch (const Error& error) {
        return error;
    }
    return {ErrorCode::None, {}};
}

std::optional<TagChanges> TagWatch::Implementation::take() {
    const std::lock_guard guard(mutex_);
    if (changed_.empty() && !all_)
        return std::nullopt;
    TagChanges changes{WatchStatus::Changed, {changed_.begin(), changed_.end()}, all_};
    changed_.clear();  // after the copy, which takes memory
    all_ = false;
    return changes;
}

TagWatch::TagWatch() : implementation_(only_errors([] { return std::make_unique<Implementation>(); })) {}
TagWatch::~TagWatch() = default;
TagWatch::TagWatch(TagWatch&& other) noexcept = default;
TagWatch& TagWatch::operator=(TagWatch&& other) noexcept = default;

TagChanges TagWatch::wait(std::optional<std::chrono::nanoseconds> timeout) {
    return only_errors([&] {
        if (!implementation_)
            throw Error(moved_watch());
        return implementation_->wait(timeout);
    });
}

void TagWatch::cancel() noexcept {
    if (implementation_)
        implementation_->cancel();
}
void TagWatch::resume() noexcept {
    if (implementation_)
        implementation_->resume();
}

Error TagWatch::obstacle() const {
    return only_errors([&] { return implementation_ ? implementation_->obstacle() : moved_watch(); });
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
