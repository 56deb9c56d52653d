// SPDX-License-Identifier: BSD-3-Clause
// What a frame costs once everything is going: no allocation, no page fault, and one system call on each
// side.
#include "core_test.hpp"

#include <support/allocations.hpp>
#include <support/system_calls.hpp>

#include <sys/resource.h>
#include <sys/syscall.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace ndsharray::test {
namespace {

constexpr unsigned frames = 1000;

/// More frames than a segment has slots, so that each was used.
constexpr unsigned warm_up = 100;

constexpr long futex_waitv = 449;  // SYS_futex_waitv, which older headers do not have

/// Page faults of this thread that cost no reading from a disk.
std::uint64_t faults_of_this_thread() {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return static_cast<std::uint64_t>(usage.ru_minflt);
}

class HotPath : public CoreTest {
  protected:
    void write() { written_ = write_pattern(writer_, spec_) != 0 && written_; }
    void write_many(unsigned count) {
        for (unsigned i = 0; i < count; ++i)
            write();
    }

    /// Reads a frame that is there and gives it back.
    void read() { read_ = is_intact(reader_.read(in_time)) && read_; }

    void exchange(unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            write();
            read();
        }
    }

    void use(const ReaderOptions& options) {
        reader_ = Reader(tag_, options);
        ASSERT_TRUE(attach());
        exchange(warm_up);
    }

    bool attach() {
        return wait_until([this] {
            reader_.read(0ns);
            return reader_.attached();
        });
    }

    /// Whether a time comes when `repeat(frames)`, in a thread of its own, makes only such system calls. At
    /// first there is more to do: writer and reader look after each other when one comes.
    bool comes_to_make(const std::function<bool(const SystemCalls&)>& expected,
                       const std::function<void(unsigned)>& repeat) {
        bool came = false;
        SystemCalls calls;
        SystemCallWatch watch;
        std::thread([&] {
            watch.watch_this_thread();
            came = wait_until([&] {
                const SystemCalls before = watch.counted();
                repeat(frames);
                calls = watch.counted() - before;
                return expected(calls);
            });
        }).join();
        EXPECT_TRUE(came) << ::testing::PrintToString(calls);
        return came;
    }

    Writer writer_{tag_};
    Reader reader_{tag_};
    bool written_ = true;
    bool read_ = true;
};

constexpr auto one_futex_per_frame = [](const SystemCalls& calls) {
    return calls == SystemCalls{{SYS_futex, frames}};
};

TEST_F(HotPath, WritingMakesOneSystemCall_TheWakeUp) {
    use({});
    EXPECT_TRUE(comes_to_make(one_futex_per_frame, [this](unsigned count) { write_many(count); }));
    EXPECT_TRUE(written_);
}

TEST_F(HotPath, ReadingWhatIsThereMakesNoSystemCall) {
    use({});
    // The same thread writes: what is left when its wake-ups are taken away was for reading.
    EXPECT_TRUE(comes_to_make(one_futex_per_frame, [this](unsigned count) { exchange(count); }));
    EXPECT_TRUE(read_);
}

TEST_F(HotPath, ReadingWhatComesMakesOneSystemCall_TheWait) {
    use({});
    std::atomic<unsigned> wanted{0};
    std::atomic<bool> ended{false};
    std::thread writing([&] {  // looks, so that asking it for a frame takes no system call
        for (unsigned done = 0; !ended; std::this_thread::yield())
            for (; done != wanted; ++done)
                write();
    });
    const auto at_most_one_wait = [](SystemCalls calls) {
        const std::uint64_t waits = calls[SYS_futex] + calls[futex_waitv];
        return waits == total(calls) && waits <= frames;
    };
    EXPECT_TRUE(comes_to_make(at_most_one_wait, [&](unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            ++wanted;
            read();
        }
    }));
    ended = true;
    writing.join();
    EXPECT_TRUE(read_);
}

TEST_F(HotPath, AllocatesNothing) {
    for (const ReadMode mode : {ReadMode::Latest, ReadMode::Every}) {
        use(reading(mode));
        const std::uint64_t before = allocations_of_this_thread();
        exchange(frames);
        EXPECT_EQ(allocations_of_this_thread() - before, 0U);
    }
    EXPECT_TRUE(written_ && read_);
}

TEST_F(HotPath, AllocatesNothingForACopyAfterTheFirst) {
    use(with_leases(0));
    ASSERT_EQ(reader_.stats().copied, reader_.stats().frames);
    const std::uint64_t before = allocations_of_this_thread();
    exchange(frames);
    EXPECT_EQ(allocations_of_this_thread() - before, 0U);
}

TEST_F(HotPath, CountsAllocationsWhereThereAreSome) {
    const std::uint64_t before = allocations_of_this_thread();
    const auto block = std::make_unique<std::vector<int>>(1000);
    EXPECT_EQ(allocations_of_this_thread() - before, 2U);
}

TEST_F(HotPath, TakesNoPageFaults) {
    const ArraySpec large = bytes_spec(1920 * 1080 * 3);
    writer_.configure(large);
    ASSERT_TRUE(attach());
    const auto touch_each_page = [&](unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            WritableFrame filled = writer_.acquire();
            std::memset(filled.data(), static_cast<int>(i), large.bytes);
            writer_.publish(std::move(filled));
            const Frame frame = reader_.read(in_time);
            for (std::size_t at = 0; at < large.bytes; at += 4096)
                read_ = frame.data()[at] == static_cast<std::byte>(i) && read_;
        }
    };
    // The first use of each slot is a fault more.
    EXPECT_TRUE(wait_until([&] {
        const std::uint64_t before = faults_of_this_thread();
        touch_each_page(100);
        return faults_of_this_thread() == before;
    }));
    EXPECT_TRUE(read_);
}

}  // namespace
}  // namespace ndsharray::test
