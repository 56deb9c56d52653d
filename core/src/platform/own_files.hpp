// SPDX-License-Identifier: BSD-3-Clause
// The files that this process made or took over and has not removed yet. A signal that ends the process may
// remove them: remove_all() is for its handler.
#pragma once

#include "platform/file.hpp"
#include "platform/signals_blocked.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace ndsharray::platform::own_files {

/// While one lives, remove_all() waits, and no signal handler runs in this thread. While remove_all() works,
/// and until the process is gone, making one waits. So what is done meanwhile happens before the removal, or
/// never. For some quick system calls; not one within another.
class Change {
  public:
    Change() noexcept;
    ~Change();
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

  private:
    std::optional<SignalsBlocked> blocked_;
};

/// What a file must hold to be removed: the name of one of these files or of none that is there, or, if that
/// is allowed, nothing but zeros.
struct Condition {
    std::size_t name_bytes = 0;  // length of that name; 0: it may hold anything
    bool or_zeros = false;
};

struct Entry;

/// Room for a file's entry, which is made before the file: afterwards nothing may fail.
class NewEntry {
  public:
    /// \throws std::bad_alloc.
    explicit NewEntry(const std::string& path, const Condition& condition = {});
    NewEntry(const NewEntry&) = delete;
    NewEntry& operator=(const NewEntry&) = delete;
    ~NewEntry();

    /// From now on the file of this path is this process's to remove.
    void keep(const Change&, const FileStatus& file) noexcept;

  private:
    std::unique_ptr<Entry> entry_;
};

/// An existing file becomes this process's to remove.
/// \throws std::bad_alloc.
void adopt(const std::string& path, const Descriptor& file, const Condition& condition = {});

/// The file of this path is not this process's any more.
void forget(const Change&, const std::string& path) noexcept;

/// Somebody to be told by remove_all(), before files go.
class Notice {
  public:
    /// \param call with nothing but what a signal handler may do. The argument must outlive this.
    Notice(void (*call)(void*), void* argument);
    Notice(const Notice&) = delete;
    Notice& operator=(const Notice&) = delete;
    ~Notice();

    /// Whether remove_all() told.
    bool was_given() const noexcept { return given_.load(std::memory_order_acquire); }

  private:
    friend bool remove_all() noexcept;

    void (*const call_)(void*);
    void* const argument_;
    const unsigned made_under_;
    std::atomic<bool> given_{false};
    Notice* next_ = nullptr;
    Notice* previous_ = nullptr;
};

/// From now on each Change keeps signals out. To be called before a handler may call remove_all().
void expect_signals() noexcept;

/// Gives all notices, then removes the files, the newest first, as far as the names still lead to them. For
/// a signal handler: no memory, no locks. Nothing in a child that inherited the files.
/// \returns whether this thread did it and has to call go_on() if the process goes on. Another one may
/// have done it just before.
bool remove_all() noexcept;
void go_on() noexcept;

}  // namespace ndsharray::platform::own_files
