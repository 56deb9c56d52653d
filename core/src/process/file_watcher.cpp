// SPDX-License-Identifier: BSD-3-Clause
// Reports events of files and directories. All watches of a process share one inotify thread.
#include "process/file_watcher.hpp"

#include "process/fork_guard.hpp"
#include "process/watched_directory.hpp"

#include <ndsharray/error.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>

namespace ndsharray {

struct FileWatcher::Watch::Registration {
    std::function<void()> callback;           // for a file
    std::function<void(const Change&)> note;  // for a directory; called with the watcher's mutex held
    std::string directory;                    // empty: watches an open file
    std::string name;                         // of the awaited file in it
    CountedWatches::Use watch{};              // of the open file
    std::uint32_t made_under = fork_count();  // a child must not touch an inherited one
    std::atomic<bool> is_told{false};         // the kernel reports changes
    std::atomic<int> error{0};                // 0, or the directory itself is not watched
    std::mutex running{};                     // held while the callback runs
    bool ended = false;                       // guarded by running

    std::uint32_t interests() const noexcept {
        using namespace platform::interest;
        return note ? appearing | vanishing | contents : appearing;
    }

    void call() {
        const std::lock_guard guard(running);
        if (!ended)
            callback();
    }
};

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Change = FileWatcher::Change;
using Registration = FileWatcher::Watch::Registration;
using Pointer = std::shared_ptr<Registration>;
using platform::FileEvent;

/// Times of the repeated calls after a close. The first one mostly is enough. The others are for a busy
/// machine.
constexpr std::array repeats{2ms, 20ms, 200ms};

/// Time until events are read again, if there was no memory for them.
constexpr auto without_memory = 20ms;

// ---- the watcher

/// A directory and its registrations.
struct Directory {
    WatchedDirectory watched;
    std::vector<Pointer> noting;                   // get every change
    std::multimap<std::string, Pointer> awaiting;  // await a file, by its name

    template <typename Visitor>
    void for_each(Visitor visit) const {
        for (const Pointer& registration : noting)
            visit(registration);
        for (const auto& [name, registration] : awaiting)
            visit(registration);
    }
};

struct Reminder {
    Clock::time_point when;
    Pointer whom;
    std::string name;  // of the file in a watched directory
};

/// All functions need the mutex of Shared, except run().
class Watcher {
  public:
    /// \throws Error System.
    static void start(const std::shared_ptr<Watcher>& watcher);

    bool works() const noexcept { return static_cast<bool>(events_); }
    void add(const Pointer& registration, const platform::Descriptor* file);
    void remove(const Pointer& registration);

    /// Reads the events. Calls the notes, and collects the registrations to call.
    void take_events();
    bool has_to_call() const noexcept { return !due_.empty() || !reminders_.empty(); }
    void interrupt() noexcept { events_.interrupt(); }

  private:
    void run() noexcept;
    void take_event(const FileEvent& event);
    void take_entry(const Directory& directory, const FileEvent& event);
    void take_reminders();
    platform::Deadline next_reminder() const;

    void watch_anew(const std::string& path, Directory& directory);
    static void show(const Directory& directory, Registration& registration) noexcept;
    void tell_all(const Directory& directory);
    void tell(const Pointer& registration, Change change);
    void remind(const Pointer& registration, const std::string& name);

    platform::FileEvents events_;
    CountedWatches watches_{events_};
    std::map<std::string, Directory> directories_;
    std::multimap<int, Pointer> files_;  // by their watches
    std::vector<Reminder> reminders_;
    std::vector<Pointer> due_;       // the thread calls them, in this order
    bool events_were_lost_ = false;  // for lack of memory
    const std::uint32_t made_under_ = fork_count();
};

// The one Watcher, and the mutex of it and its registrations. fork() takes the mutex, so that a child finds
// them complete.
struct Shared {
    std::mutex mutex;
    std::shared_ptr<Watcher> watcher;
    std::vector<std::shared_ptr<Watcher>> inherited;
};

Shared& shared() {
    static Shared* the_one = [] {
        pthread_atfork([] { shared().mutex.lock(); }, [] { shared().mutex.unlock(); },
                       [] {
                           // The thread exists only in the parent, and its objects belong to the parent.
                           shared().inherited.push_back(std::exchange(shared().watcher, nullptr));
                           shared().mutex.unlock();
                       });
        return new Shared;  // NOLINT(cppcoreguidelines-owning-memory): used until the process is gone
    }();
    return *the_one;
}

// Made when the library is loaded, for the reason given in fork_guard.cpp.
[[maybe_unused]] const Shared& made_at_load = shared();

/// Call it with the mutex held. A Watcher that does not work is not kept, so the next call tries again.
int start_watcher() {
    if (shared().watcher)
        return 0;
    auto watcher = std::make_shared<Watcher>();
    if (!watcher->works())
        return errno;
    Watcher::start(watcher);
    shared().watcher = std::move(watcher);
    return 0;
}

void Watcher::start(const std::shared_ptr<Watcher>& watcher) {
    try {
        platform::start_thread([watcher] { watcher->run(); })->detach();
    } catch (const std::system_error& error) {
        throw Error(ErrorCode::System, "cannot start the thread that watches files: " +
                                           platform::error_text(error.code().value()) +
                                           "; end threads, or raise the limit (ulimit -u, pids.max)");
    }
}

void Watcher::run() noexcept {
    platform::Deadline until;
    // A callback may fork. If the child comes back here, it must not read the events of the parent.
    while (made_under_ == fork_count()) {
        events_.wait(until);
        std::vector<Pointer> due;
        try {
            const std::lock_guard guard(shared().mutex);
            take_events();
            std::swap(due, due_);
            until = next_reminder();
        } catch (const std::bad_alloc&) {
            until = platform::no_later_than(until, without_memory);
        }
        for (const Pointer& registration : due)
            registration->call();
    }
}

void Watcher::take_events() {
    try {
        if (events_were_lost_)
            take_event({.kind = FileEvent::Kind::Lost});
        events_were_lost_ = false;
        for (const FileEvent& event : events_.take())
            take_event(event);
        take_reminders();
    } catch (...) {
        events_were_lost_ = true;
        events_.interrupt();  // the thread tries again, even if another thread called this
        throw;
    }
}

void Watcher::take_event(const FileEvent& event) {
    using Kind = FileEvent::Kind;
    if (event.kind == Kind::Ended)
        watches_.ended(event.watch);
    const auto [first, last] =
        event.kind == Kind::Lost ? std::pair(files_.begin(), files_.end()) : files_.equal_range(event.watch);
    for (auto file = first; file != last && event.kind != Kind::Mounts; ++file) {
        const Pointer& registration = file->second;
        if (event.kind == Kind::Ended)
            registration->is_told.store(false, std::memory_order_relaxed);
        tell(registration, {});
        remind(registration, {});
    }
    const bool is_everywhere = event.kind == Kind::Lost || event.kind == Kind::Mounts;
    for (auto& [path, directory] : directories_) {
        const WatchedDirectory& watched = directory.watched;
        const bool is_itself = watched.is_of(event) && event.kind != Kind::Entry;
        if (watched.is_of(event) && event.kind == Kind::Entry)
            take_entry(directory, event);
        const int watch = watched.watch();
        const bool was_told = watched.is_told();
        if (is_everywhere || is_itself || watched.is_on_the_way(event))
            watch_anew(path, directory);
        // A registration must know that the kernel does not report to it any longer.
        if (event.kind == Kind::Lost || is_itself || watched.watch() != watch ||
            watched.is_told() != was_told)
            tell_all(directory);
    }
}

void Watcher::take_entry(const Directory& directory, const FileEvent& event) {
    if (event.name.empty())
        return;  // about attributes of the directory
    for (const Pointer& registration : directory.noting) {
        tell(registration, {event.name, false});
        if (event.closed)
            remind(registration, event.name);
    }
    const auto [first, last] = directory.awaiting.equal_range(event.name);
    for (auto awaited = first; awaited != last && event.appeared; ++awaited)
        tell(awaited->second, {});
}

void Watcher::tell_all(const Directory& directory) {
    directory.for_each([this](const Pointer& registration) {
        tell(registration, {{}, true});
        if (!registration->note)
            remind(registration, {});
    });
}

void Watcher::tell(const Pointer& registration, Change change) {
    if (registration->note)
        registration->note(change);
    else
        due_.push_back(registration);
}

void Watcher::remind(const Pointer& registration, const std::string& name) {
    for (const auto delay : repeats)
        reminders_.push_back({Clock::now() + delay, registration, name});
}

void Watcher::take_reminders() {
    const auto now = Clock::now();
    // All are told before one is erased, because telling takes memory and may fail.
    for (const Reminder& reminder : reminders_)
        if (reminder.when <= now)
            tell(reminder.whom, {reminder.name, false});
    std::erase_if(reminders_, [&](const Reminder& reminder) { return reminder.when <= now; });
}

platform::Deadline Watcher::next_reminder() const {
    platform::Deadline next;
    for (const Reminder& reminder : reminders_)
        next = next ? std::min(*next, reminder.when) : reminder.when;
    return next;
}

// ---- registrations

template <typename Key>
void erase_from(std::multimap<Key, Pointer>& registrations, const Key& key, const Pointer& registration) {
    const auto [first, last] = registrations.equal_range(key);
    const auto found =
        std::find_if(first, last, [&](const auto& entry) { return entry.second == registration; });
    if (found != last)
        registrations.erase(found);
}

void Watcher::add(const Pointer& registration, const platform::Descriptor* file) {
    if (file != nullptr) {
        registration->watch = watches_.file(*file);
        files_.emplace(registration->watch.number(), registration);
        registration->is_told.store(static_cast<bool>(registration->watch), std::memory_order_relaxed);
        return;
    }
    Directory& directory = directories_[registration->directory];
    if (registration->note)
        directory.noting.push_back(registration);
    else
        directory.awaiting.emplace(registration->name, registration);
    if (directory.watched.want(registration->interests()))
        watch_anew(registration->directory, directory);
    else
        show(directory, *registration);
}

/// Relaxed: the values publish nothing else, and the owner loads them after a call.
void Watcher::show(const Directory& directory, Registration& registration) noexcept {
    registration.is_told.store(directory.watched.is_told(), std::memory_order_relaxed);
    registration.error.store(directory.watched.error(), std::memory_order_relaxed);
}

void Watcher::remove(const Pointer& registration) {
    std::erase_if(reminders_, [&](const Reminder& reminder) { return reminder.whom == registration; });
    if (registration->directory.empty()) {
        erase_from(files_, registration->watch.number(), registration);
        registration->watch = {};
        return;
    }
    const auto found = directories_.find(registration->directory);
    if (found == directories_.end())
        return;
    Directory& directory = found->second;
    std::erase(directory.noting, registration);
    erase_from(directory.awaiting, registration->name, registration);
    if (directory.noting.empty() && directory.awaiting.empty())
        directories_.erase(found);
}

void Watcher::watch_anew(const std::string& path, Directory& directory) {
    directory.watched.look(path, watches_);
    directory.for_each([&](const Pointer& registration) { show(directory, *registration); });
}

/// \returns an empty pointer if there is no watcher.
Pointer add(Pointer registration, const platform::Descriptor* file = nullptr) {
    const std::lock_guard guard(shared().mutex);
    try {
        if (start_watcher() != 0)
            return nullptr;
    } catch (const Error&) {
        return nullptr;  // then the owner polls
    }
    try {
        shared().watcher->add(registration, file);
    } catch (...) {  // no memory
        shared().watcher->remove(registration);
        throw;
    }
    return registration;
}

}  // namespace

int FileWatcher::start() {
    const std::lock_guard guard(shared().mutex);
    return start_watcher();
}

FileWatcher::Watch FileWatcher::file_named(const std::string& name, const std::string& directory,
                                           std::function<void()> callback) {
    auto registration = std::make_shared<Registration>();
    registration->callback = std::move(callback);
    registration->directory = directory;
    registration->name = name;
    return Watch(add(std::move(registration)));
}

FileWatcher::Watch FileWatcher::file(const platform::Descriptor& file, std::function<void()> callback) {
    auto registration = std::make_shared<Registration>();
    registration->callback = std::move(callback);
    return Watch(add(std::move(registration), &file));
}

FileWatcher::Watch FileWatcher::directory(const std::string& path,
                                          std::function<void(const Change&)> callback) {
    auto registration = std::make_shared<Registration>();
    registration->note = std::move(callback);
    registration->directory = path;
    return Watch(add(std::move(registration)));
}

void FileWatcher::catch_up() {
    const std::lock_guard guard(shared().mutex);
    if (!shared().watcher)
        return;
    shared().watcher->take_events();
    if (shared().watcher->has_to_call())
        shared().watcher->interrupt();
}

FileWatcher::Watch::Watch(std::shared_ptr<Registration> registration) noexcept
    : registration_(std::move(registration)) {}

FileWatcher::Watch::Watch(Watch&& other) noexcept = default;

FileWatcher::Watch& FileWatcher::Watch::operator=(Watch&& other) noexcept {
    std::swap(registration_, other.registration_);
    return *this;
}

FileWatcher::Watch::operator bool() const noexcept {
    return registration_ && registration_->is_told.load(std::memory_order_relaxed);
}

int FileWatcher::Watch::error() const noexcept {
    return registration_ ? registration_->error.load(std::memory_order_relaxed) : 0;
}

FileWatcher::Watch::~Watch() {
    if (!registration_ || registration_->made_under != fork_count())
        return;
    {
        const std::lock_guard guard(shared().mutex);
        shared().watcher->remove(registration_);
    }
    // The thread may keep the registration for a while, but not the objects in its callback.
    std::function<void()> callback;
    const std::lock_guard guard(registration_->running);
    registration_->ended = true;
    std::swap(callback, registration_->callback);
}

}  // namespace ndsharray
