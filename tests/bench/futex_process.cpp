// SPDX-License-Identifier: BSD-3-Clause
// The floor of latency: one process stores a stamp and wakes the others through a futex, and that is all.
#include <support/child_process.hpp>

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>

#include "frame_log.hpp"
#include "plain_process.hpp"
#include "plan.hpp"
#include "stamp.hpp"

namespace ndsharray::bench {
namespace {

using test::Arguments;
using test::Channel;

constexpr std::size_t stamps = 8;

/// What both sides map. Starts out as zeros.
struct Shared {
    alignas(64) std::atomic<std::uint32_t> newest;  // index of the newest stamp
    alignas(64) Stamp stamp[stamps];                // index n is at n % stamps
};

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected) {
    ::syscall(SYS_futex, &word, FUTEX_WAIT, expected, nullptr, nullptr, 0);
}

void futex_wake_all(std::atomic<std::uint32_t>& word) {
    ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

class Mapping {
  public:
    explicit Mapping(const std::string& file) {
        const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (descriptor < 0 || ::ftruncate(descriptor, sizeof(Shared)) != 0)
            throw std::system_error(errno, std::generic_category(), file);
        address_ =
            ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, 0);
        ::close(descriptor);
        if (address_ == MAP_FAILED)
            throw std::system_error(errno, std::generic_category(), "mmap");
    }
    ~Mapping() { ::munmap(address_, sizeof(Shared)); }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;

    Shared& operator*() const { return *static_cast<Shared*>(address_); }

  private:
    void* address_;
};

void push_stamp(Shared& shared, Stamp stamp) {
    const auto index = static_cast<std::uint32_t>(stamp.index);
    stamp.pushed = now();
    shared.stamp[index % stamps] = stamp;
    shared.newest.store(index, std::memory_order_release);
    futex_wake_all(shared.newest);
}

/// Takes the newest stamp, like a reader that may miss frames.
void take_stamps(const std::stop_token& stop, Shared& shared, FrameLog& log) {
    std::uint32_t seen = 0;
    while (!stop.stop_requested()) {
        const std::uint32_t newest = shared.newest.load(std::memory_order_acquire);
        if (newest == seen) {
            futex_wait(shared.newest, seen);
            continue;
        }
        const std::int64_t arrival = now();
        seen = newest;
        log.add(shared.stamp[newest % stamps], arrival, true);
    }
}

int run_writer(Channel& channel, const Arguments& arguments) {
    const ProcessPlan plan = plan_of(arguments);
    const Mapping shared(plan.file);
    return run_plain_producer(channel, plan.source, [&](Stamp stamp) { push_stamp(*shared, stamp); });
}

int run_reader(Channel& channel, const Arguments& arguments) {
    const Mapping shared(plan_of(arguments).file);
    FrameLog log(notify_over(channel));
    return run_plain_consumer(
        channel, [&](const std::stop_token& stop) { take_stamps(stop, *shared, log); },
        [&] { futex_wake_all((*shared).newest); });
}

const test::RegisteredRole writer_role("futex-writer", run_writer);
const test::RegisteredRole reader_role("futex-reader", run_reader);

}  // namespace
}  // namespace ndsharray::bench
