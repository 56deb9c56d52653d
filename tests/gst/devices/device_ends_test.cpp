// SPDX-License-Identifier: BSD-3-Clause
// Nothing is left of a device provider's thread, however it ends.
#include "gst_test.hpp"

#include <support/thread_state.hpp>

#include <ndsharray/writer.hpp>

#include <atomic>
#include <filesystem>
#include <semaphore>
#include <thread>

#include "devices.hpp"
#include "resources.hpp"

namespace ndsharray::test {
namespace {

class DeviceEnds : public GstTest {
  protected:
    Monitor monitor_;
};

/// Changes tags all the time.
class Commotion {
  public:
    ~Commotion() {
        ended_ = true;
        thread_.join();
    }

  private:
    void run() {
        for (std::uint64_t round = 0; !ended_; ++round) {
            Writer writer("busy" + std::to_string(round % 3));
            publish_gray(writer, 4);
            publish_gray(writer, 8);
        }
    }

    std::atomic<bool> ended_{false};
    std::thread thread_{[this] { run(); }};
};

TEST_F(DeviceEnds, LeavesNoThreadNorDescriptorThoughStartedAHundredTimes) {
    Writer writer(tag_);
    publish_gray(writer);
    const auto round = [&] {
        ASSERT_TRUE(monitor_.start());
        EXPECT_EQ(monitor_.tags(), Tags{tag_});
        monitor_.stop();
    };
    for (int i = 0; i < 3; ++i)
        round();
    const Resources before;
    for (int i = 0; i < 100; ++i)
        round();
    EXPECT_TRUE(back_to(before)) << Resources() << " now; before: " << before;
}

TEST_F(DeviceEnds, WhileTagsComeAndGo) {
    const Commotion commotion;
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(monitor_.start());
        if (i % 2 == 0) {
            EXPECT_EQ(monitor_.next().text().substr(0, 10), "added busy");
        }
        monitor_.stop();
        // A bus looks whether it is flushing before it queues, so that the one message which the thread was
        // just posting may still be there. With the thread gone no other follows.
        monitor_.next(0ns);
        EXPECT_EQ(monitor_.next(0ns).text(), "nothing");
    }
}

GstBusSyncReply drop(GstBus*, GstMessage* message, gpointer) {
    gst_message_unref(message);
    return GST_BUS_DROP;
}

TEST_F(DeviceEnds, WithItsProviderThoughTagsComeAndGo) {
    const auto round = [] {
        const Held<GstDeviceProvider> provider = new_provider();
        gst_bus_set_sync_handler(bus_of(provider.get()).get(), drop, nullptr, nullptr);
        ASSERT_TRUE(gst_device_provider_start(provider.get()));
    };
    const Resources before;
    {
        const Commotion commotion;
        for (int i = 0; i < 100; ++i)
            round();
    }
    EXPECT_TRUE(back_to(before)) << Resources() << " now; before: " << before;
}

/// A provider of which the handler of its own messages holds up the one about "first", then stops it, or lets
/// it go, at the one about "second".
class Ending {
  public:
    explicit Ending(bool stops) : stops_(stops) {
        gst_bus_set_sync_handler(bus_of(provider_.get()).get(), handle, this, nullptr);
        EXPECT_TRUE(gst_device_provider_start(provider_.get()));
    }

    bool is_held_up() { return held_up_.try_acquire_for(patience); }
    void go_on() { goes_on_.release(); }
    bool is_ended() { return ended_.try_acquire_for(patience); }

    /// There while the thread of the messages is.
    std::filesystem::path thread_folder() const {
        return std::filesystem::path("/proc/self/task") / std::to_string(thread_);
    }

    /// Devices of the stopped provider.
    const GList* devices() const { return provider_->devices; }

  private:
    static GstBusSyncReply handle(GstBus*, GstMessage* message, gpointer self) {
        GstDevice* device = nullptr;
        if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_DEVICE_ADDED)
            gst_message_parse_device_added(message, &device);
        const Held<GstDevice> owned(device);
        gst_message_unref(message);
        const std::string tag = device ? text_of(device, "ndsh.tag") : "";
        auto* ending = static_cast<Ending*>(self);
        if (tag == "first") {
            ending->thread_ = this_thread_number();
            ending->held_up_.release();
            ending->goes_on_.acquire();
        } else if (tag == "second") {
            if (ending->stops_)
                gst_device_provider_stop(ending->provider_.get());
            else
                ending->provider_.reset();
            ending->ended_.release();
        }
        return GST_BUS_DROP;
    }

    const bool stops_;
    pid_t thread_ = 0;  // handed over by held_up_
    Held<GstDeviceProvider> provider_ = new_provider();
    std::binary_semaphore held_up_{0}, goes_on_{0}, ended_{0};
};

TEST_F(DeviceEnds, ByTheHandlerOfItsOwnMessage) {
    const Resources before;
    for (const bool stops : {true, false}) {
        SCOPED_TRACE(stops ? "stopped" : "let go");
        Ending ending(stops);
        {
            Writer first("first");
            publish_gray(first);
            ASSERT_TRUE(ending.is_held_up());
            // What comes meanwhile is looked at in one go.
            Writer second("second"), third("third");
            publish_gray(second);
            publish_gray(third);
            ending.go_on();
            EXPECT_TRUE(ending.is_ended());
            EXPECT_TRUE(wait_until([&] { return !std::filesystem::exists(ending.thread_folder()); }));
            if (stops) {
                EXPECT_EQ(ending.devices(), nullptr);
            }
        }
    }
    EXPECT_TRUE(back_to(before)) << Resources() << " now; before: " << before;
}

}  // namespace
}  // namespace ndsharray::test
