// SPDX-License-Identifier: BSD-3-Clause
// The leaks tracer of GStreamer finds nothing left of either element.
#include "gst_test.hpp"

#include <fstream>

#include "devices.hpp"
#include "remote_pipeline.hpp"
#include "variable.hpp"

namespace ndsharray::test {
namespace {

/// What a traced process writes when it ends.
class LeakReport {
  public:
    explicit LeakReport(const std::filesystem::path& file) : file_(file) {}
    ~LeakReport() { std::filesystem::remove(file_); }
    LeakReport(const LeakReport&) = delete;
    LeakReport& operator=(const LeakReport&) = delete;

    /// The lines that name an object that should be gone, or be no more than once.
    std::vector<std::string> findings() const {
        std::vector<std::string> result;
        std::ifstream stream(file_);
        for (std::string line; std::getline(stream, line);) {
            const bool declared = contains(line, "type-name=(string)%s");
            if (!declared && contains(line, ", type-name=(string)"))
                result.push_back(line);
        }
        return result;
    }

  private:
    std::filesystem::path file_;
};

class Leaks : public GstTest {
  protected:
    /// gst-launch-1.0 with the tracer on, to its end.
    void expect_no_leak(const std::string& description) {
        ChildProcess program = gst_launch(description);
        EXPECT_EQ(program.wait_for_exit(), 0);
        EXPECT_EQ(report_.findings(), std::vector<std::string>{});
    }

    const std::filesystem::path file_ = std::filesystem::temp_directory_path() / directory_.path().filename();
    LeakReport report_{file_};
    Variable tracers_{"GST_TRACERS", "leaks(check-refs=true)"};
    Variable debug_{"GST_DEBUG", "GST_TRACER:7"};
    Variable no_color_{"GST_DEBUG_NO_COLOR", "1"};
    Variable debug_file_{"GST_DEBUG_FILE", file_.string()};
};

const std::string picture = "videotestsrc num-buffers=20 ! video/x-raw,width=33,height=17 ! ";

TEST_F(Leaks, AreFoundWhereThereAreSome) {
    ChildProcess program("leak");
    EXPECT_EQ(program.wait_for_exit(), 0);
    ASSERT_FALSE(report_.findings().empty());
    EXPECT_TRUE(contains(report_.findings().front(), "NdshSrc"));
}

const RegisteredRole leak_role(
    "leak", +[](Channel&, const Arguments&) {
        gst_init(nullptr, nullptr);
        gst_element_factory_make("ndshsrc", nullptr);
        gst_deinit();
        return 0;
    });

/// Uses all that a device has, at each announcement.
int use_devices(Channel& channel, const Arguments&) {
    {
        const Held<GstDeviceProvider> provider = new_provider();
        const Held<GstBus> bus = bus_of(provider.get());
        g_list_free_full(gst_device_provider_get_devices(provider.get()), gst_object_unref);
        gst_device_provider_start(provider.get());
        for (const char* expected : {"added cam0", "changed cam0", "removed cam0"}) {
            const Announcement announcement = next_announcement(bus.get());
            if (announcement.text() != expected)
                return 1;
            GstDevice* device = announcement.device.get();
            const Held<GstElement> source(
                GST_ELEMENT(gst_object_ref_sink(gst_device_create_element(device, nullptr))));
            gst_device_reconfigure_element(device, source.get());
            channel.send(expected);
        }
        gst_device_provider_stop(provider.get());
    }
    gst_deinit();
    return 0;
}
const RegisteredRole devices_role("devices", use_devices);

TEST_F(Leaks, Devices) {
    RemotePipeline writer(writing());
    writer.push_random(caps_, 0);
    ChildProcess program("devices");
    EXPECT_EQ(program.channel().receive(3 * patience), "added cam0");
    writer.push_random(caps_text("NV12", 64, 48), 1);
    EXPECT_EQ(program.channel().receive(), "changed cam0");
    writer.stop();
    EXPECT_EQ(program.channel().receive(), "removed cam0");
    EXPECT_EQ(program.wait_for_exit(), 0);
    EXPECT_EQ(report_.findings(), std::vector<std::string>{});
}

TEST_F(Leaks, Sink) {
    expect_no_leak(picture + "ndshsink sync=false tag=" + tag_);
}

TEST_F(Leaks, SinkWithChangesOfCaps) {
    expect_no_leak(
        "videotestsrc num-buffers=10 ! video/x-raw,format=I420,width=33,height=17 ! c. "
        "videotestsrc num-buffers=10 ! video/x-raw,format=RGB,width=33,height=17 ! c. "
        "concat name=c ! ndshsink sync=false tag=" +
        tag_);
}

TEST_F(Leaks, SourceWithoutAWriter) {
    expect_no_leak("ndshsrc timeout=10000000 on-disconnect=eos tag=" + tag_ + " ! fakesink");
}

TEST_F(Leaks, Source) {
    RemotePipeline writer(writing("backpressure=true wait-for-reader=true"));
    writer.push_random(caps_, 0, 20);
    writer.end();
    expect_no_leak("ndshsrc mode=every tag=" + tag_ + " ! queue ! fakesink sync=false");
    writer.stop();
}

TEST_F(Leaks, SourceWhoseBuffersAreCopied) {
    RemotePipeline writer(writing("backpressure=true wait-for-reader=true"));
    writer.push_random(caps_text("I420", 6, 4), 0, 20);
    writer.end();
    expect_no_leak("ndshsrc mode=every max-leases=0 tag=" + tag_ + " ! videoconvert ! fakesink sync=false");
    writer.stop();
}

TEST_F(Leaks, BothInOneProcess) {
    expect_no_leak(picture + "ndshsink sync=false backpressure=true wait-for-reader=true tag=" + tag_ +
                   " ndshsrc mode=every tag=" + tag_ + " ! videoconvert ! video/x-raw,format=RGB ! fakesink");
}

/// Moves between two tags a thousand times, by property and by URI, with a frame of each.
int move_to_and_fro(Channel&, const Arguments&) {
    gst_init(nullptr, nullptr);
    {
        Pipeline reader("ndshsrc name=src keepalive=1000000 tag=cam0 ! fakesink sync=false async=false");
        reader.play();
        for (int i = 0; i < 1000; ++i) {
            const auto frames = counter(reader["src"], "frames");
            if (i % 10 == 0)
                gst_uri_handler_set_uri(GST_URI_HANDLER(reader["src"]), "ndsh://cam0?keepalive=2000000",
                                        nullptr);
            else
                g_object_set(reader["src"], "tag", i % 2 ? "cam1" : "cam0", nullptr);
            if (!wait_until([&] { return counter(reader["src"], "frames") > frames; }))
                return 1;
        }
        g_object_set(reader["src"], "tag", "not a tag", nullptr);
        gst_uri_handler_set_uri(GST_URI_HANDLER(reader["src"]), "ndsh://cam0?nosuch=1", nullptr);
        const gst::Owned<char> uri(gst_uri_handler_get_uri(GST_URI_HANDLER(reader["src"])));
    }
    gst_deinit();
    return 0;
}
const RegisteredRole move_role("move_to_and_fro", move_to_and_fro);

TEST_F(Leaks, SourceThatMovesToAndFro) {
    const std::string camera = ",width=40,height=24,framerate=200/1 ! ndshsink sync=false tag=";
    RemotePipeline gray("videotestsrc is-live=true ! video/x-raw,format=GRAY8" + camera + "cam0");
    RemotePipeline color("videotestsrc is-live=true ! video/x-raw,format=RGB" + camera + "cam1");
    ChildProcess reader("move_to_and_fro");
    EXPECT_EQ(reader.wait_for_exit(3 * patience), 0);
    gray.stop();
    color.stop();
    EXPECT_EQ(report_.findings(), std::vector<std::string>{});
}

}  // namespace
}  // namespace ndsharray::test
