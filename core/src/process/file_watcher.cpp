// SPDX-License-Identifier: BSD-3-Clause
// Being told when a tag's files appear, change hands or lose their owner: one inotify thread per process.
#include "process/file_watcher.hpp"

#include "process/fork_guard.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>

namespace ndsharray {

struct Watch::Registration {
    int watch;
    std::string name;  // of the awaited file; empty: any event of the watch counts
    bool repeat;       // tell again shortly after: see Watch::file
    std::uint32_t made_under;
    Callback callback;
    std::mutex running;  // held while the callback runs
    bool ended = false;  // guarded by running

    void tell() {
        const std::lock_guard guard(running);
        if (!ended)
            callback();
    }
};

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Registrations = std::vector<std::shared_ptr<Watch::Registration>>;

/// How long after a close event the closer's lock is looked at again. The first is what it takes; the
/// others are for a machine that is busy elsewhere.
constexpr std::array repeats{2ms, 20ms, 200ms};

struct Reminder {
    Clock::time_point when;
    std::shared_ptr<Watch::Registration> whom;
};

class Watcher {
  public:
    /// The process's only one, started when first asked for.
    static std::shared_ptr<Watcher> get();

    std::shared_ptr<Watch::Registration> add(int watch, std::string name, bool repeat,
                                             Watch::Callback callback) {
        auto registration = std::make_shared<Watch::Registration>();
        registration->watch = watch;
        registration->name = std::move(name);
        registration->repeat = repeat;
        registration->made_under = fork_count();
        registration->callback = std::move(callback);
        registrations_.push_back(registration);
        return registration;
    }

    void remove(const std::shared_ptr<Watch::Registration>& registration) {
        std::erase(registrations_, registration);
        const bool shared = std::any_of(registrations_.begin(), registrations_.end(), [&](const auto& other) {
            return other->watch == registration->watch;
        });
        if (!shared)
            events_.forget(registration->watch);
    }

    platform::FileEvents& events() noexcept { return events_; }
    bool works() const noexcept { return static_cast<bool>(events_); }
    void start();

  private:
    void run() noexcept;
    void queue_for(const platform::FileEvent& event, Registrations& due);
    Registrations take_reminders();
    platform::Deadline next_reminder() const;

    platform::FileEvents events_;
    Registrations registrations_;
    std::vector<Reminder> reminders_;  // only for the thread
    const std::uint32_t made_under_ = fork_count();
};

// Guards the one Watcher and its registrations. Taken across fork(), so that a child finds it whole.
struct Shared {
    std::mutex mutex;
    std::shared_ptr<Watcher> watcher;
    std::vector<std::shared_ptr<Watcher>> inherited;
};

Shared& shared() {
    static Shared* the_one = [] {
        pthread_atfork([] { shared().mutex.lock(); }, [] { shared().mutex.unlock(); },
                       [] {
                           // The thread stayed behind. What it used is the parent's: leave it, start anew.
                           shared().inherited.push_back(std::exchange(shared().watcher, nullptr));
                           shared().mutex.unlock();
                       });
        return new Shared;  // NOLINT(cppcoreguidelines-owning-memory): used until the process is gone
    }();
    return *the_one;
}

// Made when the library is loaded, for the reason given in fork.cpp.
[[maybe_unused]] const Shared& made_at_load = shared();

// With the mutex held.
std::shared_ptr<Watcher> Watcher::get() {
    if (!shared().watcher) {
        shared().watcher = std::make_shared<Watcher>();
        if (shared().watcher->works())
            shared().watcher->start();
    }
    return shared().watcher;
}

void Watcher::start() {
    platform::start_thread([keep = shared().watcher] { keep->run(); })->detach();
}

void Watcher::run() noexcept {
    // A callback may fork. Its child, should it come back here, is not to take the parent's events away.
    while (made_under_ == fork_count()) {
        const std::vector<platform::FileEvent> events = events_.wait(next_reminder());
        Registrations due = take_reminders();
        {
            const std::lock_guard guard(shared().mutex);
            for (const platform::FileEvent& event : events)
                queue_for(event, due);
        }
        for (const auto& registration : due)
            registration->tell();
    }
}

void Watcher::queue_for(const platform::FileEvent& event, Registrations& due) {
    for (const auto& registration : registrations_) {
        const bool overflow = event.watch < 0;  // events were lost: everybody looks
        if (!overflow && (registration->watch != event.watch || registration->name != event.name))
            continue;
        due.push_back(registration);
        if (registration->repeat)
            for (const auto delay : repeats)
                reminders_.push_back({Clock::now() + delay, registration});
    }
}

Registrations Watcher::take_reminders() {
    const auto now = Clock::now();
    Registrations due;
    std::erase_if(reminders_, [&](const Reminder& reminder) {
        if (reminder.when > now)
            return false;
        due.push_back(reminder.whom);
        return true;
    });
    return due;
}

platform::Deadline Watcher::next_reminder() const {
    platform::Deadline next;
    for (const Reminder& reminder : reminders_)
        next = next ? std::min(*next, reminder.when) : reminder.when;
    return next;
}

}  // namespace

Watch::Watch(std::shared_ptr<Registration> registration) noexcept : registration_(std::move(registration)) {}

Watch Watch::directory(const std::string& path, const std::string& name, Callback callback) {
    const std::lock_guard guard(shared().mutex);
    const auto watcher = Watcher::get();
    const int watch = watcher->works() ? watcher->events().watch_directory(path) : -1;
    return watch < 0 ? Watch() : Watch(watcher->add(watch, name, false, std::move(callback)));
}

Watch Watch::file(const platform::Descriptor& file, Callback callback) {
    const std::lock_guard guard(shared().mutex);
    const auto watcher = Watcher::get();
    const int watch = watcher->works() ? watcher->events().watch_file(file) : -1;
    return watch < 0 ? Watch() : Watch(watcher->add(watch, {}, true, std::move(callback)));
}

Watch::Watch(Watch&& other) noexcept = default;

Watch& Watch::operator=(Watch&& other) noexcept {
    std::swap(registration_, other.registration_);
    return *this;
}

Watch::~Watch() {
    if (!registration_ || registration_->made_under != fork_count())
        return;
    {
        const std::lock_guard guard(shared().mutex);
        Watcher::get()->remove(registration_);
    }
    const std::lock_guard guard(registration_->running);
    registration_->ended = true;
}

}  // namespace ndsharray
