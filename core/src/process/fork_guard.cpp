// SPDX-License-Identifier: BSD-3-Clause
// fork(): a child must not keep the descriptors whose locks show that its parent lives.
#include "process/fork_guard.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include <pthread.h>

namespace ndsharray {
namespace {

std::atomic<std::uint32_t> forks{0};

struct Registry {
    std::mutex mutex;
    std::vector<int> descriptors;
    std::vector<const void*> left_alone;
};

// Never destroyed: a Reader with static storage duration may be destroyed later.
Registry& registry() {
    static Registry& the_one = []() -> Registry& {
        static Registry* made = new Registry;  // NOLINT(cppcoreguidelines-owning-memory)
        pthread_atfork([] { registry().mutex.lock(); }, [] { registry().mutex.unlock(); },
                       [] {
                           for (const int number : registry().descriptors)
                               platform::Descriptor(number).close();
                           registry().descriptors.clear();
                           forks.fetch_add(1, std::memory_order_relaxed);
                           registry().mutex.unlock();
                       });
        return *made;
    }();
    return the_one;
}

// Made when the library is loaded. At its first use, another thread could fork, and the child would wait for
// ever for the end of its construction.
[[maybe_unused]] const Registry& registry_made_at_load = registry();

}  // namespace

// Relaxed: it changes only in a child with one thread.
std::uint32_t fork_count() noexcept {
    return forks.load(std::memory_order_relaxed);
}

void leave_alone(const void* inherited) noexcept {
    const std::lock_guard guard(registry().mutex);
    registry().left_alone.push_back(inherited);
}

ProcessDescriptor::ProcessDescriptor(platform::Descriptor file) noexcept
    : file_(std::move(file)), made_under_(fork_count()) {}

ProcessDescriptor& ProcessDescriptor::operator=(ProcessDescriptor&& other) noexcept {
    std::swap(file_, other.file_);
    std::swap(made_under_, other.made_under_);
    return *this;
}

OpenedToLock ProcessDescriptor::open(const std::string& path) {
    const std::lock_guard no_fork(registry().mutex);
    platform::Opened opened = platform::open_existing(path, platform::Access::ReadWrite);
    if (opened.error != 0)
        return {{}, opened.error};
    registry().descriptors.push_back(opened.file.number());
    return {ProcessDescriptor(std::move(opened.file)), 0};
}

void ProcessDescriptor::close() noexcept {
    if (!file_)
        return;
    if (made_under_ != fork_count()) {
        file_.forget();  // the child closed it, and the number may belong to another file now
        return;
    }
    const std::lock_guard guard(registry().mutex);
    std::erase(registry().descriptors, file_.number());
    file_.close();
}

}  // namespace ndsharray
