// SPDX-License-Identifier: BSD-3-Clause
// EOS at a sink with backpressure waits for readers that still have frames to take, and for no other.
#include "gst_test.hpp"

#include <ndsharray/reader.hpp>

#include <support/background_call.hpp>
#include <support/child_process.hpp>
#include <support/small_file_system.hpp>

#include "metas.hpp"

namespace ndsharray::test {
namespace {

constexpr const char* first_caps = "video/x-raw,format=GRAY8,width=600,height=500,framerate=30/1";   // 300 kB
constexpr const char* second_caps = "video/x-raw,format=GRAY8,width=700,height=500,framerate=30/1";  // 350 kB

/// A sink whose pad is used directly, as the element before it uses it.
class DrivenSink {
  public:
    explicit DrivenSink(const std::string& tag)
        : pipeline_("ndshsink name=sink sync=false async=false backpressure=true slots=3 tag=" + tag),
          pad_(gst_element_get_static_pad(pipeline_["sink"], "sink")) {
        pipeline_.play();
        send(gst_event_new_stream_start("film"));
    }

    GstElement* sink() { return pipeline_["sink"]; }

    bool send(GstEvent* event) { return gst_pad_send_event(pad_.get(), event); }

    void set_caps(const char* text) { send(gst_event_new_caps(caps(text).get())); }

    void begin_segment() {
        GstSegment segment;
        gst_segment_init(&segment, GST_FORMAT_TIME);
        send(gst_event_new_segment(&segment));
    }

    bool push(const char* text) {
        return gst_pad_chain(pad_.get(), random_frame(video_info(text)).release()) == GST_FLOW_OK;
    }

    /// Asks for the pool and makes it active, as an element does that has got new caps.
    void activate_pool(const char* text) {
        const Held<GstCaps> of_pool = caps(text);
        const Held<GstQuery> query(gst_query_new_allocation(of_pool.get(), TRUE));
        GstBufferPool* pool = nullptr;
        guint size = 0, fewest = 0, most = 0;
        if (!gst_pad_query(pad_.get(), query.get()) || gst_query_get_n_allocation_pools(query.get()) == 0)
            throw std::runtime_error("the sink offers no pool");
        gst_query_parse_nth_allocation_pool(query.get(), 0, &pool, &size, &fewest, &most);
        pool_.reset(pool);
        GstStructure* config = gst_buffer_pool_get_config(pool);
        gst_buffer_pool_config_set_params(config, of_pool.get(), size, fewest, most);
        if (!gst_buffer_pool_set_config(pool, config) || !gst_buffer_pool_set_active(pool, TRUE))
            throw std::runtime_error("the pool does not become active");
    }

    bool receives_eos() { return pipeline_.ends(); }

  private:
    Pipeline pipeline_;
    Held<GstPad> pad_;
    Held<GstBufferPool> pool_;
};

/// In a small file system: there is no room for frames of both caps, so none are announced between them.
int end_between_caps(Channel& channel, const Arguments& arguments) {
    if (!mount_small_file_system(1200 * 1024)) {
        channel.send("not permitted");
        return 0;
    }
    gst_init(nullptr, nullptr);
    DrivenSink driven(arguments.at(0));
    driven.set_caps(first_caps);
    driven.begin_segment();
    if (!driven.push(first_caps))
        throw std::runtime_error("the sink takes no frame");
    driven.set_caps(second_caps);
    driven.activate_pool(second_caps);
    Reader reader(arguments.at(0), {.mode = ReadMode::Every});
    BackgroundCall<ReadStatus> reading([&] { return reader.read().status(); }, [&] { reader.cancel(); });
    if (!reading.blocks() || !has_readers(driven.sink()))
        throw std::runtime_error("no reader waits");
    BackgroundCall<bool> ending([&] { return driven.send(gst_event_new_eos()); });
    channel.send("EOS is sent");
    const bool is_taken = ending.result() && driven.receives_eos();
    channel.send(is_taken ? "EOS is taken, " + std::string(name(reading.result())) : "no EOS");
    return 0;
}
const RegisteredRole end_between_caps_role("end_between_caps", end_between_caps);

class EndOfStream : public GstTest {};

TEST_F(EndOfStream, ComesToAReaderThatCameBetweenTwoCaps) {
    ChildProcess process("end_between_caps", {tag_});
    const auto begun = process.channel().receive(4 * patience);
    if (begun == "not permitted")
        GTEST_SKIP() << "it takes root, or a user namespace, to mount a file system";
    ASSERT_EQ(begun, "EOS is sent");
    const auto ended = process.channel().receive(patience);
    EXPECT_EQ(ended, "EOS is taken, EndOfStream");
    EXPECT_EQ(process.wait_for_exit(), 0);
}

}  // namespace
}  // namespace ndsharray::test
