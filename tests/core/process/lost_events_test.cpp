// SPDX-License-Identifier: BSD-3-Clause
// The kernel drops events of files when nobody takes them for long: nothing is missed by it.
#include "busy_watching_thread.hpp"
#include "core_test.hpp"

#include <support/background_call.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace ndsharray::test {
namespace {

class LostEvents : public CoreTest {};

/// \returns how many events the kernel keeps for a process that does not take them.
unsigned long most_events() {
    unsigned long most = 0;
    std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> most;
    return most;
}

TEST_F(LostEvents, AreMadeGoodByALook) {
    if (most_events() == 0 || most_events() > 50'000)
        GTEST_SKIP() << "it would take too many files to lose events";
    BusyWatchingThread watching;
    ASSERT_TRUE(watching.is_busy());
    Reader reader(tag_);
    BackgroundCall<Frame> reading([&] { return reader.read(); }, [&] { reader.cancel(); });
    ASSERT_TRUE(reading.blocks());
    for (unsigned long i = 0; i < most_events() + 100; ++i) {
        const std::string file = directory_.path() / std::to_string(i);
        ::close(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        ::unlink(file.c_str());
    }
    Writer writer(tag_);
    write_pattern(writer, spec_);
    watching.let_go();
    EXPECT_TRUE(is_intact(reading.result()));
}

}  // namespace
}  // namespace ndsharray::test
