// SPDX-License-Identifier: BSD-3-Clause
// The files that this process made or took over and has not removed yet.
#include "platform/own_files.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ndsharray::platform::own_files {

struct Entry {
    std::string path;
    Condition condition;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    Entry* older = nullptr;
    Entry* newer = nullptr;
    Entry* next_of_hash = nullptr;
};

namespace {

/// Longest wait for a Change, whose thread may hang in a system call, and for a handler that may have been
/// left by longjmp(). A busy machine does not reach it, and Docker kills after 10 s. For a thread in
/// remove_all() there is no limit: it reads what a Change changes.
constexpr int longest_wait_ms = 8000;

/// Changed only with `mutex` held, within a Change. So remove_all() may read it without the mutex.
struct Everything {
    std::mutex mutex;
    std::array<Entry*, 1024> by_hash{};
    Entry* newest = nullptr;
    Notice* notices = nullptr;
    Everything* inherited = nullptr;  // from the parent

    Entry*& first_with_hash_of(const std::string& path) noexcept {
        return by_hash[std::hash<std::string>{}(path) % by_hash.size()];
    }
    void remove(const std::string& path) noexcept;
    void add(Entry* entry) noexcept;
};

// All are sequentially consistent. A Change counts itself, then looks for a remover. A remover stores its
// thread, then looks for a Change.
constinit std::atomic<unsigned> changes{0};
// The thread whose handler called remove_all(): negative until may_be_left(), then positive until go_on().
constinit std::atomic<pid_t> remover{0};
constinit std::atomic<bool> are_signals_expected{false};

constinit std::atomic<pid_t> owner{0};  // the process; a child by vfork() has the same memory
constinit std::atomic<unsigned> forks{0};

pid_t own_thread() noexcept {
    return static_cast<pid_t>(syscall(SYS_gettid));
}

void wait_a_moment() noexcept {
    poll(nullptr, 0, 1);
}

Everything*& current() {
    static Everything* the_one = [] {
        owner = getpid();
        pthread_atfork([] { current()->mutex.lock(); }, [] { current()->mutex.unlock(); },
                       [] {
                           // It belongs to the parent. The other threads exist only there.
                           Everything* const inherited = std::exchange(current(), new Everything);
                           inherited->mutex.unlock();
                           current()->inherited = inherited;
                           owner = getpid();
                           ++forks;
                           changes = 0;
                           remover = 0;
                       });
        return new Everything;  // NOLINT(cppcoreguidelines-owning-memory): used until the process is gone
    }();
    return the_one;
}

// Made when the library is loaded, for the reason given in process/fork_guard.cpp.
[[maybe_unused]] Everything* const& made_at_load = current();

void Everything::add(Entry* entry) noexcept {
    Entry*& first = first_with_hash_of(entry->path);
    entry->next_of_hash = std::exchange(first, entry);
    entry->older = newest;
    if (newest != nullptr)
        newest->newer = entry;
    newest = entry;
}

void Everything::remove(const std::string& path) noexcept {
    Entry** place = &first_with_hash_of(path);
    while (*place != nullptr && (*place)->path != path)
        place = &(*place)->next_of_hash;
    const std::unique_ptr<Entry> found(*place);
    if (!found)
        return;
    *place = found->next_of_hash;
    (found->newer != nullptr ? found->newer->older : newest) = found->older;
    if (found->older != nullptr)
        found->older->newer = found->newer;
}

// ---- for the signal handler

/// The path of a name in the directory of this file. Takes no memory: only one remover works at a time.
const char* path_beside(const std::string& path, std::string_view name) noexcept {
    static std::array<char, PATH_MAX> text;
    const std::size_t folder = path.rfind('/') + 1;  // 0 if there is none
    if (folder + name.size() >= text.size())
        return nullptr;
    char* end = std::copy_n(path.begin(), folder, text.begin());
    *std::copy(name.begin(), name.end(), end) = '\0';
    return text.data();
}

bool is_own_or_gone(const char* path) noexcept {
    for (const Entry* entry = current()->newest; entry != nullptr; entry = entry->older)
        if (entry->path == path)
            return true;
    struct stat status {};
    return lstat(path, &status) != 0;
}

bool is_fulfilled(const Condition& condition, const std::string& path) noexcept {
    if (condition.name_bytes == 0)
        return true;
    static std::array<char, NAME_MAX> content;
    const int file = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return false;
    const std::size_t length = std::min(condition.name_bytes, content.size());
    const bool is_whole = pread(file, content.data(), length, 0) == static_cast<ssize_t>(length);
    ::close(file);
    const std::string_view name(content.data(), length);
    if (!is_whole || name.find_first_not_of('\0') == std::string_view::npos)
        return is_whole && condition.or_zeros;
    const char* const named = path_beside(path, name);
    return named != nullptr && is_own_or_gone(named);
}

void remove_file(const Entry& entry) noexcept {
    struct stat now {};
    const char* const path = entry.path.c_str();
    if (lstat(path, &now) == 0 && now.st_dev == entry.device && now.st_ino == entry.inode &&
        is_fulfilled(entry.condition, entry.path))
        ::unlink(path);
}

}  // namespace

// ---- changes

Change::Change() noexcept {
    for (int waited_ms = 0;; ++waited_ms) {
        if (are_signals_expected && !blocked_)
            blocked_.emplace();
        ++changes;
        const pid_t removing = remover;
        const bool is_free = removing == 0 || std::abs(removing) == own_thread();
        if (is_free && (blocked_ || !are_signals_expected))
            return;
        --changes;
        if (is_free)
            continue;  // expect_signals() was called just now
        blocked_.reset();
        wait_a_moment();
        pid_t left = removing;
        if (left > 0 && waited_ms >= longest_wait_ms)
            remover.compare_exchange_strong(left, 0);
    }
}

Change::~Change() {
    --changes;
}

NewEntry::NewEntry(const std::string& path, const Condition& condition)
    : entry_(new Entry{path, condition}) {}
NewEntry::~NewEntry() = default;

void NewEntry::keep(const Change&, const FileStatus& file) noexcept {
    entry_->device = file.device;
    entry_->inode = file.inode;
    const std::lock_guard guard(current()->mutex);
    current()->remove(entry_->path);
    current()->add(entry_.release());
}

void adopt(const std::string& path, const Descriptor& file, const Condition& condition) {
    NewEntry entry(path, condition);
    const Change change;
    if (const auto status = status_of(file))
        entry.keep(change, *status);
}

void forget(const Change&, const std::string& path) noexcept {
    const std::lock_guard guard(current()->mutex);
    current()->remove(path);
}

Notice::Notice(void (*call)(void*), void* argument) : call_(call), argument_(argument), made_under_(forks) {
    const Change change;
    const std::lock_guard guard(current()->mutex);
    next_ = std::exchange(current()->notices, this);
    if (next_ != nullptr)
        next_->previous_ = this;
}

Notice::~Notice() {
    if (made_under_ != forks)
        return;
    const Change change;
    const std::lock_guard guard(current()->mutex);
    (previous_ != nullptr ? previous_->next_ : current()->notices) = next_;
    if (next_ != nullptr)
        next_->previous_ = previous_;
}

// ---- removing

void expect_signals() noexcept {
    are_signals_expected = true;
    // A Change that began before does not block signals.
    while (changes != 0)
        wait_a_moment();
}

bool remove_all() noexcept {
    if (owner != getpid())
        return false;
    // The handler of another thread ends the process or calls go_on().
    int waited_ms = 0;
    for (pid_t other = 0; !remover.compare_exchange_strong(other, -own_thread());) {
        if (std::abs(other) == own_thread())
            return false;
        if (other > 0 && waited_ms++ >= longest_wait_ms)
            continue;  // takes the place of a handler that was left
        wait_a_moment();
        other = 0;
    }
    for (waited_ms = 0; changes != 0; ++waited_ms) {
        if (waited_ms >= longest_wait_ms)
            return true;  // a list that is being changed must not be read
        wait_a_moment();
    }
    for (Notice* notice = current()->notices; notice != nullptr; notice = notice->next_) {
        notice->call_(notice->argument_);
        notice->given_.store(true, std::memory_order_release);
    }
    for (const Entry* entry = current()->newest; entry != nullptr; entry = entry->older)
        remove_file(*entry);
    return true;
}

void may_be_left() noexcept {
    remover = own_thread();
}

void go_on() noexcept {
    remover = 0;
}

}  // namespace ndsharray::platform::own_files
