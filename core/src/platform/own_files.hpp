// SPDX-License-Identifier: BSD-3-Clause
// The files that this process made or took over and has not removed yet. The handler of a signal that ends
// the process removes them with remove_all().
#pragma once

#include "platform/file.hpp"
#include "platform/signals_blocked.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace ndsharray::platform::own_files {

/// While a Change lives, remove_all() waits, and no signal handler runs in this thread. While remove_all()
/// works, and until the process is gone, the constructor waits. So everything in a Change happens before the
/// removal, or never. Use it for a few quick system calls. Do not nest it.
class Change {
  public:
    Change() noexcept;
    ~Change();
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

  private:
    std::optional<SignalsBlocked> blocked_;
};

/// A file is removed only with this content: the name of one of these files, or the name of a file that does
/// not exist. If `or_zeros`, it may also be only zeros.
struct Condition {
    std::size_t name_bytes = 0;  // length of the name; 0: any content
    bool or_zeros = false;
};

struct Entry;

/// Memory for the entry of a file. It is made before the file, because nothing may fail after that.
class NewEntry {
  public:
    /// \throws std::bad_alloc.
    explicit NewEntry(const std::string& path, const Condition& condition = {});
    NewEntry(const NewEntry&) = delete;
    NewEntry& operator=(const NewEntry&) = delete;
    ~NewEntry();

    /// From now on, this process removes the file of this path.
    void keep(const Change&, const FileStatus& file) noexcept;

  private:
    std::unique_ptr<Entry> entry_;
};

/// From now on, this process removes this existing file.
/// \throws std::bad_alloc.
void adopt(const std::string& path, const Descriptor& file, const Condition& condition = {});

/// From now on, this process does not remove the file of this path.
void forget(const Change&, const std::string& path) noexcept;

/// A function that remove_all() calls before it removes files.
class Notice {
  public:
    /// \param call may only do what a signal handler may do. The argument must outlive the Notice.
    Notice(void (*call)(void*), void* argument);
    Notice(const Notice&) = delete;
    Notice& operator=(const Notice&) = delete;
    ~Notice();

    /// Whether remove_all() called the function.
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

/// From now on, each Change blocks signals. Call this before a handler may call remove_all().
void expect_signals() noexcept;

/// Gives all notices, then removes the files whose names still lead to them, the newest first. For a signal
/// handler: it takes no memory and no locks. Does nothing in a child that inherited the files.
/// \returns whether this thread did it. Otherwise another thread may have done it just before. Until go_on(),
/// no file is made. After may_be_left(), that ends after some seconds without go_on(), too.
bool remove_all() noexcept;

/// Call this before a handler of the application, which may leave by longjmp(). Only if remove_all() was
/// true.
void may_be_left() noexcept;

/// Call this if the process continues. Only if remove_all() was true.
void go_on() noexcept;

}  // namespace ndsharray::platform::own_files
