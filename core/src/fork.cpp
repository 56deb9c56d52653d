// SPDX-License-Identifier: BSD-3-Clause
// What must not cross fork(): descriptors whose locks say that this process lives.
#include "fork.hpp"

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
};

// Never destroyed: a Reader with static storage may outlive everything else at exit.
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

}  // namespace

// Relaxed: written only in a child that has one thread.
std::uint32_t fork_count() noexcept {
    return forks.load(std::memory_order_relaxed);
}

ProcessDescriptor::ProcessDescriptor(platform::Descriptor file) : made_under_(fork_count()) {
    const std::lock_guard guard(registry().mutex);
    registry().descriptors.push_back(file.number());
    number_ = file.forget();
}

ProcessDescriptor::ProcessDescriptor(ProcessDescriptor&& other) noexcept
    : number_(std::exchange(other.number_, -1)), made_under_(other.made_under_) {}

ProcessDescriptor& ProcessDescriptor::operator=(ProcessDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    std::swap(made_under_, other.made_under_);
    return *this;
}

void ProcessDescriptor::close() noexcept {
    const int number = std::exchange(number_, -1);
    if (number < 0 || made_under_ != fork_count())
        return;  // in a child the number was closed and may be somebody else's by now
    const std::lock_guard guard(registry().mutex);
    std::erase(registry().descriptors, number);
    platform::Descriptor(number).close();
}

}  // namespace ndsharray
