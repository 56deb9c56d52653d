// SPDX-License-Identifier: BSD-3-Clause
// Devices follow their tags while a monitor runs.
#include "gst_test.hpp"

#include <support/child_process.hpp>
#include <support/scenes.hpp>
#include <support/thread_state.hpp>

#include <ndsharray/tag_info.hpp>
#include <ndsharray/writer.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <csignal>
#include <cstddef>

#include <fstream>
#include <optional>
#include <semaphore>
#include <utility>

#include "devices.hpp"
#include "remote_pipeline.hpp"

namespace ndsharray::test {
namespace {

class DeviceWatch : public GstTest {
  protected:
    /// Takes the announcements of a tag until it is as wanted: "added cam0".
    ::testing::AssertionResult tells(const std::string& text, std::chrono::nanoseconds timeout = patience) {
        last_ = monitor_.next(timeout);
        if (last_.text() == text)
            return ::testing::AssertionSuccess();
        return ::testing::AssertionFailure() << "told: " << last_.text();
    }

    /// Whether nothing was told until now: not about what happened before this call.
    ::testing::AssertionResult tells_nothing() {
        Writer marker("marker");
        publish_gray(marker);
        return tells("added marker");
    }

    Monitor monitor_;
    Announcement last_;
};

// ---------------------------------------------------------------------------------------------- following

TEST_F(DeviceWatch, TellsOfATagWithItsFirstFrameAndOfItsEnd) {
    ASSERT_TRUE(monitor_.start());
    RemotePipeline writer(writing());
    EXPECT_TRUE(tells_nothing());
    EXPECT_TRUE(tells("removed marker"));
    writer.push_random(caps_, 0);
    EXPECT_TRUE(tells("added cam0"));
    EXPECT_EQ(writer_pid_of(last_.device.get()), static_cast<unsigned>(writer.pid()));
    writer.stop();
    EXPECT_TRUE(tells("removed cam0"));
    EXPECT_EQ(monitor_.tags(), Tags{});
}

TEST_F(DeviceWatch, TellsOfTagsThatWereThereBefore) {
    Writer writer(tag_);
    publish_gray(writer);
    ASSERT_TRUE(monitor_.start());
    EXPECT_TRUE(tells("added cam0"));
    EXPECT_EQ(monitor_.device(tag_), last_.device);
}

TEST_F(DeviceWatch, TellsOfADeathWithinASecondAndOfTheNextWriter) {
    ASSERT_TRUE(monitor_.start());
    RemotePipeline writer(writing());
    writer.push_random(caps_, 0);
    ASSERT_TRUE(tells("added cam0"));
    ::kill(writer.pid(), SIGKILL);
    EXPECT_TRUE(tells("removed cam0", with_tolerance(1s)));
    writer.kill();
    RemotePipeline next(writing());
    EXPECT_TRUE(tells_nothing());
    EXPECT_TRUE(tells("removed marker"));
    next.push_random(caps_, 0);
    EXPECT_TRUE(tells("added cam0"));
    EXPECT_EQ(writer_pid_of(last_.device.get()), static_cast<unsigned>(next.pid()));
    next.stop();
}

TEST_F(DeviceWatch, TellsOfOtherCapsAsAChangeOfTheSameDevice) {
    ASSERT_TRUE(monitor_.start());
    RemotePipeline writer(writing());
    writer.push_random(caps_, 0);
    ASSERT_TRUE(tells("added cam0"));
    for (unsigned round = 1; round <= 20; ++round) {
        const Held<GstDevice> before = std::move(last_.device);
        writer.push_random(caps_text(round % 2 ? "NV12" : "RGB", 64, 48), round);
        ASSERT_TRUE(tells("changed cam0"));
        EXPECT_EQ(last_.before, before);
        EXPECT_TRUE(contains(caps_of(last_.device.get()), round % 2 ? "NV12" : "RGB"));
        EXPECT_NE(text_of(last_.device.get(), "ndsh.segment"), text_of(before.get(), "ndsh.segment"));
        EXPECT_EQ(monitor_.device(tag_), last_.device);
    }
    writer.stop();
    EXPECT_TRUE(tells("removed cam0"));
}

TEST_F(DeviceWatch, TellsWhenATagStopsHoldingVideo) {
    ASSERT_TRUE(monitor_.start());
    Writer writer(tag_);
    publish_gray(writer);
    ASSERT_TRUE(tells("added cam0"));
    const std::uint64_t shape[] = {6, 4, 3};
    writer.configure(ArraySpec::contiguous(DType::Float64, shape));
    writer.publish(writer.acquire());
    EXPECT_TRUE(tells("removed cam0"));
    publish_gray(writer);
    EXPECT_TRUE(tells("added cam0"));
}

TEST_F(DeviceWatch, TellsNothingOfTheMomentBetweenTwoSegments) {
    Writer writer(tag_);
    publish_gray(writer);
    ASSERT_TRUE(monitor_.start());
    ASSERT_TRUE(tells("added cam0"));
    // As the writer does before it stores the next segment's name: core/PROTOCOL.md, 1.
    std::fstream control(directory_.path() / ("ndsh." + tag_),
                         std::ios::binary | std::ios::in | std::ios::out);
    constexpr std::streamoff generation = 76;
    control.seekp(generation).write("\0\0\0\0", 4).flush();
    EXPECT_EQ(inspect(tag_).generation, 0U);
    EXPECT_TRUE(tells_nothing());
    EXPECT_TRUE(tells("removed marker"));
    EXPECT_EQ(monitor_.tags(), Tags{tag_});
    control.seekp(generation).write("\1\0\0\0", 4).flush();
    EXPECT_TRUE(tells_nothing());
}

/// Holds the lock by which a writer lives: core/PROTOCOL.md, 2.
class WritersLock {
  public:
    explicit WritersLock(const std::filesystem::path& control)
        : file_(::open(control.c_str(), O_RDWR | O_CLOEXEC)) {
        struct flock lock {};
        lock.l_type = F_WRLCK;
        lock.l_whence = SEEK_SET;
        lock.l_len = 1;
        EXPECT_EQ(::fcntl(file_, F_OFD_SETLK, &lock), 0);
        EXPECT_EQ(::fchmod(file_, 0600), 0);  // what a writer does next, and what is told
    }
    ~WritersLock() { ::close(file_); }
    WritersLock(const WritersLock&) = delete;
    WritersLock& operator=(const WritersLock&) = delete;

  private:
    int file_;
};

TEST_F(DeviceWatch, TellsNothingOfADeadWritersFramesWhileTheNextTakesTheTagOver) {
    ASSERT_TRUE(monitor_.start());
    {
        RemotePipeline writer(writing());
        writer.push_random(caps_, 0);
        ASSERT_TRUE(tells("added cam0"));
    }
    ASSERT_TRUE(tells("removed cam0"));
    const WritersLock next(directory_.path() / ("ndsh." + tag_));
    ASSERT_TRUE(inspect(tag_).alive);
    EXPECT_TRUE(tells_nothing());
    directory_.clear();
}

TEST_F(DeviceWatch, SleepsWhileFramesAndReadersComeAndGo) {
    Writer writer(tag_);
    publish_gray(writer);
    ASSERT_TRUE(monitor_.start());
    ASSERT_TRUE(tells("added cam0"));
    // What is told of the start may come again for 200 ms.
    EXPECT_TRUE(wait_until([] {
        const auto before = voluntary_switches_of_other_threads();
        std::this_thread::sleep_for(300ms);
        return voluntary_switches_of_other_threads() == before;
    }));
    const auto before = voluntary_switches_of_other_threads();
    for (int i = 0; i < 200; ++i)
        writer.publish(writer.acquire());
    EXPECT_LE(voluntary_switches_of_other_threads() - before, 10U);
    EXPECT_TRUE(tells_nothing());
}

// ------------------------------------------------------------------------- what happened while it was busy

/// A provider whose thread waits, on request, in the handler of a message.
class BusyDeviceWatch : public DeviceWatch {
  protected:
    void SetUp() override {
        gst_bus_set_sync_handler(bus_.get(), handle, this, nullptr);
        ASSERT_TRUE(gst_device_provider_start(provider_.get()));
    }
    void TearDown() override { gst_device_provider_stop(provider_.get()); }

    /// Does this while the thread cannot look, and lets it look then.
    template <class Change>
    void unseen(Change&& change) {
        Writer block("block");
        publish_gray(block);
        blocked_.acquire();
        change();
        released_.release();
    }

    /// Takes announcements up to this one.
    bool comes(const std::string& text) {
        for (;;) {
            last_ = next_announcement(bus_.get());
            if (last_.text() == text || last_.text() == "nothing")
                return last_.text() == text;
        }
    }

  private:
    static GstBusSyncReply handle(GstBus*, GstMessage* message, gpointer self) {
        GstDevice* device = nullptr;
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_DEVICE_ADDED)
            gst_message_parse_device_added(message, &device);
        const Held<GstDevice> owned(device);
        if (device && text_of(device, "ndsh.tag") == "block") {
            auto* test = static_cast<BusyDeviceWatch*>(self);
            test->blocked_.release();
            test->released_.acquire();
        }
        return GST_BUS_PASS;
    }

    Held<GstDeviceProvider> provider_ = new_provider();
    Held<GstBus> bus_ = bus_of(provider_.get());
    std::binary_semaphore blocked_{0}, released_{0};
};

TEST_F(BusyDeviceWatch, SeesThatATagWasOpenedAnewAndHasNoFrame) {
    std::optional<Writer> writer(tag_);
    publish_gray(*writer);
    ASSERT_TRUE(comes("added cam0"));
    unseen([&] {
        writer.reset();
        writer.emplace(tag_);
    });
    EXPECT_TRUE(comes("removed cam0"));
    publish_gray(*writer);
    EXPECT_TRUE(comes("added cam0"));
}

TEST_F(BusyDeviceWatch, SeesThatADeadWritersTagWasTakenOverAndHasNoFrame) {
    std::optional<RemotePipeline> writer(writing());
    writer->push_random(caps_, 0);
    ASSERT_TRUE(comes("added cam0"));
    unseen([&] {
        writer->kill();
        writer.emplace(writing());
    });
    EXPECT_TRUE(comes("removed cam0"));
    writer->push_random(caps_, 0);
    EXPECT_TRUE(comes("added cam0"));
    writer->stop();
}

TEST_F(BusyDeviceWatch, SeesAnotherWriterAsAChange) {
    std::optional<RemotePipeline> writer(writing());
    writer->push_random(caps_, 0);
    ASSERT_TRUE(comes("added cam0"));
    unseen([&] {
        writer->kill();
        writer.emplace(writing());
        writer->push_random(caps_, 0);
        ASSERT_TRUE(wait_until([&] { return inspect(tag_).generation != 0; }));
    });
    EXPECT_TRUE(comes("changed cam0"));
    EXPECT_EQ(writer_pid_of(last_.device.get()), static_cast<unsigned>(writer->pid()));
    writer->stop();
}

// ------------------------------------------------------------------------------------ processes, directories

int run_monitor(Channel& channel, const Arguments&) {
    Monitor monitor;
    if (!monitor.start())
        return 1;
    channel.send("started");
    for (;;)
        channel.send(monitor.next(std::chrono::hours(1)).text());
}
const RegisteredRole monitor_role("monitor", run_monitor);

TEST_F(DeviceWatch, TellsMonitorsInSeveralProcesses) {
    std::vector<ChildProcess> monitors;
    for (int i = 0; i < 3; ++i) {
        monitors.emplace_back("monitor");
        ASSERT_EQ(monitors.back().channel().receive(3 * patience), "started");
    }
    const auto all_tell = [&](const std::string& text) {
        for (ChildProcess& monitor : monitors)
            EXPECT_EQ(monitor.channel().receive(), text);
    };
    RemotePipeline writer(writing());
    writer.push_random(caps_, 0);
    all_tell("added cam0");
    monitors.pop_back();
    writer.push_random(caps_text("NV12", 64, 48), 1);
    all_tell("changed cam0");
    writer.kill();
    all_tell("removed cam0");
    directory_.clear();
}

TEST_F(DeviceWatch, WaitsForADirectoryThatIsNotThereYet) {
    const std::filesystem::path later = directory_.path() / "later";
    ASSERT_EQ(::setenv("NDSHARRAY_DIR", later.c_str(), 1), 0);
    EXPECT_EQ(monitor_.tags(), Tags{});
    ASSERT_TRUE(monitor_.start());
    // Stopping does not wait for it.
    monitor_.stop();
    ASSERT_TRUE(monitor_.start());
    EXPECT_EQ(monitor_.tags(), Tags{});
    // Nobody looks every now and then whether it is there.
    EXPECT_TRUE(wait_until([] {
        const auto before = voluntary_switches_of_other_threads();
        std::this_thread::sleep_for(500ms);
        return voluntary_switches_of_other_threads() == before;
    }));
    std::filesystem::create_directory(later);
    {
        Writer writer(tag_);
        publish_gray(writer);
        EXPECT_TRUE(tells("added cam0"));
    }
    EXPECT_TRUE(tells("removed cam0"));
    monitor_.stop();
    ::setenv("NDSHARRAY_DIR", directory_.path().c_str(), 1);
    std::filesystem::remove(later);
}

/// Lets this process open no further file while it lives.
class NoDescriptors {
  public:
    NoDescriptors() {
        getrlimit(RLIMIT_NOFILE, &before_);
        rlimit none = before_;
        none.rlim_cur = 3;
        setrlimit(RLIMIT_NOFILE, &none);
    }
    ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;

  private:
    rlimit before_{};
};

/// In a process that watches nothing yet: all who watch share one instance of inotify.
const RegisteredScenes device_watch_scenes({
    {"device_watch_without_descriptors",
     [](const std::string&) {
         const Held<GstDeviceProvider> provider = new_provider();
         std::optional<NoDescriptors> none(std::in_place);
         const bool starts = gst_device_provider_start(provider.get()) != FALSE;
         none.reset();
         const bool starts_later = gst_device_provider_start(provider.get()) != FALSE;
         gst_device_provider_stop(provider.get());
         return std::string(starts ? "starts" : "does not start") + (starts_later ? ", then starts" : "");
     }},
});

TEST_F(DeviceWatch, StartsOnlyWhereItCanWatch) {
    EXPECT_EQ(outcome_of("device_watch_without_descriptors", tag_).said, "does not start, then starts");
}

TEST_F(DeviceWatch, LooksAgainAtATagThatCouldNotBeLookedAt) {
    ASSERT_TRUE(monitor_.start());
    RemotePipeline writer(writing());
    {
        const NoDescriptors none;
        writer.push_random(caps_, 0);
        // All that is told of the tag is told by then.
        EXPECT_TRUE(tells("nothing", 500ms));
    }
    EXPECT_TRUE(tells("added cam0"));
    writer.stop();
}

TEST_F(DeviceWatch, ListsADirectoryAgainThatCouldNotBeListed) {
    const std::filesystem::path watched = directory_.path() / "watched", next = directory_.path() / "next";
    std::filesystem::create_directory(watched);
    std::filesystem::create_directory(next);
    ASSERT_EQ(::setenv("NDSHARRAY_DIR", next.c_str(), 1), 0);
    RemotePipeline writer(writing());
    writer.push_random(caps_, 0);
    ASSERT_TRUE(wait_until([&] { return inspect(tag_).published > 0; }));  // has made all its files
    ASSERT_EQ(::setenv("NDSHARRAY_DIR", watched.c_str(), 1), 0);
    ASSERT_TRUE(monitor_.start());
    {
        const NoDescriptors none;
        std::filesystem::rename(watched, directory_.path() / "before");
        std::filesystem::rename(next, watched);
        // Nothing happens in it from now on, so nothing else makes the monitor look.
        EXPECT_TRUE(tells("nothing", 500ms));
    }
    EXPECT_TRUE(tells("added cam0"));
    writer.kill();
    EXPECT_TRUE(tells("removed cam0"));
    monitor_.stop();
    ::setenv("NDSHARRAY_DIR", directory_.path().c_str(), 1);
    directory_.clear();
}

}  // namespace
}  // namespace ndsharray::test
