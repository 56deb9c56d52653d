// SPDX-License-Identifier: BSD-3-Clause
// Nothing is left of a device provider's thread, however it ends.
#include "gst_test.hpp"

#include <ndsharray/writer.hpp>

#include <atomic>
#include <semaphore>
#include <thread>

#include "devices.hpp"
#include "in_use.hpp"

namespace ndsharray::test {
namespace {

using Tags = std::vector<std::string>;

/// Publishes a gray frame of this width without the elements.
void publish(Writer& writer, std::uint64_t width = 4) {
    const std::uint64_t shape[] = {6, width};
    writer.configure(ArraySpec::contiguous(DType::UInt8, shape));
    writer.publish(writer.acquire());
}

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
            publish(writer, 4);
            publish(writer, 8);
        }
    }

    std::atomic<bool> ended_{false};
    std::thread thread_{[this] { run(); }};
};

TEST_F(DeviceEnds, LeavesNoThreadNorDescriptorThoughStartedAHundredTimes) {
    Writer writer(tag_);
    publish(writer);
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
    EXPECT_TRUE(back_to(before));
}

TEST_F(DeviceEnds, StopsWhileTagsComeAndGo) {
    const Commotion commotion;
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(monitor_.start());
        if (i % 2 == 0) {
            EXPECT_EQ(monitor_.next().text().substr(0, 10), "added busy");
        }
        monitor_.stop();
        EXPECT_EQ(monitor_.next(0ns).text(), "nothing");
    }
}

GstBusSyncReply drop(GstBus*, GstMessage* message, gpointer) {
    gst_message_unref(message);
    return GST_BUS_DROP;
}

TEST_F(DeviceEnds, EndsWithItsProviderThoughTagsComeAndGo) {
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
    EXPECT_TRUE(back_to(before));
}

/// A provider that is stopped, or let go, by the handler of its own message about "cam0".
struct Ending {
    Held<GstDeviceProvider> provider = new_provider();
    bool stops = false;
    std::binary_semaphore ended{0};

    static GstBusSyncReply handle(GstBus*, GstMessage* message, gpointer self) {
        auto* ending = static_cast<Ending*>(self);
        if (ending->stops)
            gst_device_provider_stop(ending->provider.get());
        gst_message_unref(message);
        ending->provider.reset();
        ending->ended.release();
        return GST_BUS_DROP;
    }
};

TEST_F(DeviceEnds, IsEndedByTheHandlerOfItsOwnMessage) {
    const Resources before;
    for (const bool stops : {true, false}) {
        SCOPED_TRACE(stops ? "stopped" : "let go");
        Ending ending;
        ending.stops = stops;
        gst_bus_set_sync_handler(bus_of(ending.provider.get()).get(), Ending::handle, &ending, nullptr);
        ASSERT_TRUE(gst_device_provider_start(ending.provider.get()));
        Writer first(tag_), second("second");
        publish(first);
        publish(second);
        EXPECT_TRUE(ending.ended.try_acquire_for(patience));
    }
    EXPECT_TRUE(back_to(before));
}

}  // namespace
}  // namespace ndsharray::test
