// SPDX-License-Identifier: BSD-3-Clause
// The sink says which frames it drops as other sinks do; the latency tracer sees through both elements.
#include <gst/video/video.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "gst_test.hpp"
#include "qos_report.hpp"
#include "remote_pipeline.hpp"
#include "variable.hpp"

namespace ndsharray::test {
namespace {

class Qos : public GstTest {
  protected:
    Qos() { writer_.play(); }

    std::optional<QosReport> next(std::chrono::nanoseconds timeout = patience) {
        const auto message = writer_.message(GST_MESSAGE_QOS, timeout);
        if (!message)
            return std::nullopt;
        const QosReport report = qos_report(message.get());
        EXPECT_EQ(report.format, GST_FORMAT_BUFFERS);
        EXPECT_STREQ(GST_MESSAGE_SRC_NAME(message.get()), "sink");
        return report;
    }

    /// A buffer too small for a frame, which the sink cannot but drop.
    bool push_bad(unsigned number) {
        Held<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, 1, nullptr));
        GST_BUFFER_PTS(buffer.get()) = number * frame_length;
        GST_BUFFER_DURATION(buffer.get()) = frame_length;
        return push(writer_["in"], caps_, std::move(buffer));
    }

    bool have_dropped(std::uint64_t count) {
        return wait_until([&] { return counter(writer_["sink"], "dropped") == count; });
    }

    Pipeline writer_{writing()};
};

TEST_F(Qos, ADroppedFrameIsReported) {
    ASSERT_TRUE(push_random(writer_["in"], caps_, 0, 3));
    ASSERT_TRUE(push_bad(3));
    const auto report = next();
    ASSERT_TRUE(report);
    EXPECT_EQ(report->timestamp, 3 * frame_length);
    EXPECT_EQ(report->running_time, 3 * frame_length);
    EXPECT_EQ(report->duration, frame_length);
    EXPECT_EQ(report->processed, 3U);
    EXPECT_EQ(report->dropped, 1U);
}

TEST_F(Qos, MessagesAreFewAndTheLastOneHasThemAll) {
    constexpr unsigned many = 1000;
    for (unsigned i = 0; i < many; ++i)
        ASSERT_TRUE(push_bad(i));
    end(writer_["in"]);
    ASSERT_TRUE(have_dropped(many));
    std::size_t messages = 0;
    std::optional<QosReport> last;
    while (!last || last->dropped != many) {
        last = next();
        ASSERT_TRUE(last);
        ++messages;
    }
    EXPECT_EQ(last->timestamp, (many - 1) * frame_length);
    EXPECT_LT(messages, many / 10);
    EXPECT_FALSE(next(0ns));
}

TEST_F(Qos, WhatIsLeftToSayIsSaidWithTheNextFrames) {
    ASSERT_TRUE(push_bad(0) && push_bad(1));
    ASSERT_TRUE(next());
    unsigned number = 2;
    const bool said = wait_until([&] {
        EXPECT_TRUE(push_random(writer_["in"], caps_, number++));
        const auto report = next(5ms);
        return report && report->dropped == 2;
    });
    EXPECT_TRUE(said);
}

TEST_F(Qos, WhatIsLeftToSayIsSaidBeforeTheElementStops) {
    ASSERT_TRUE(push_bad(0) && push_bad(1) && push_bad(2));
    ASSERT_TRUE(have_dropped(3));
    GstElement* sink = writer_["sink"];
    gst_element_set_locked_state(sink, TRUE);
    ASSERT_EQ(gst_element_set_state(sink, GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
    std::optional<QosReport> last;
    while (auto report = next(0ns))
        last = report;
    ASSERT_TRUE(last);
    EXPECT_EQ(last->dropped, 3U);
}

TEST_F(Qos, FramesThatArriveAreNotReported) {
    ASSERT_TRUE(push_random(writer_["in"], caps_, 0, 20));
    end(writer_["in"]);
    ASSERT_TRUE(writer_.ends());
    EXPECT_FALSE(next(0ns));
}

constexpr const char* tracer = "latency(flags=pipeline)";

/// Whether GStreamer's tracer lets any pipeline run. In 1.26.2 it takes a lock that its caller holds, with
/// the first event; other versions are taken at their word, lest a slow machine hide what is ours.
bool tracer_works() {
    guint major = 0, minor = 0, micro = 0, nano = 0;
    gst_version(&major, &minor, &micro, &nano);
    if (major != 1 || minor != 26)
        return true;
    const Variable tracers("GST_TRACERS", tracer);
    ChildProcess program = gst_launch("fakesrc num-buffers=1 ! fakesink sync=false");
    try {
        return program.wait_for_exit() == 0;
    } catch (const std::runtime_error&) {
        return false;
    }
}

/// The lines of a traced gst-launch-1.0 that name both ends of a path.
std::vector<std::string> latencies(const std::string& description, const std::string& file) {
    const Variable tracers("GST_TRACERS", tracer);
    const Variable debug("GST_DEBUG", "GST_TRACER:7");
    const Variable no_color("GST_DEBUG_NO_COLOR", "1");
    const Variable debug_file("GST_DEBUG_FILE", file);
    ChildProcess program = gst_launch(description);
    EXPECT_EQ(program.wait_for_exit(), 0);
    std::vector<std::string> result;
    std::ifstream stream(file);
    for (std::string line; std::getline(stream, line);)
        if (contains(line, "latency, ") && contains(line, "src-element=(string)"))
            result.push_back(line);
    std::filesystem::remove(file);
    return result;
}

class LatencyTracer : public GstTest {
  protected:
    void SetUp() override {
        static const bool works = tracer_works();
        if (!works)
            GTEST_SKIP() << "with the tracer of this GStreamer, fakesrc ! fakesink hangs as well";
    }

    const std::string file_ =
        (std::filesystem::temp_directory_path() / directory_.path().filename()).string();
};

TEST_F(LatencyTracer, MeasuresUpToTheSink) {
    const auto lines = latencies(
        "videotestsrc name=camera num-buffers=10 ! video/x-raw,width=64,height=48 ! "
        "ndshsink name=shared sync=false tag=" +
            tag_,
        file_);
    ASSERT_GE(lines.size(), 9U);
    EXPECT_TRUE(contains(lines.back(), "src-element=(string)camera")) << lines.back();
    EXPECT_TRUE(contains(lines.back(), "sink-element=(string)shared")) << lines.back();
}

TEST_F(LatencyTracer, MeasuresFromTheSource) {
    RemotePipeline writer(writing("backpressure=true wait-for-reader=true"));
    writer.push_random(caps_, 0, 10);
    writer.end();
    // Between two neighbours the tracer measures nothing, whatever they are.
    const auto lines = latencies(
        "ndshsrc name=shared mode=every tag=" + tag_ + " ! identity ! fakesink name=end sync=false", file_);
    writer.stop();
    ASSERT_GE(lines.size(), 9U);
    EXPECT_TRUE(contains(lines.back(), "src-element=(string)shared")) << lines.back();
    EXPECT_TRUE(contains(lines.back(), "sink-element=(string)end")) << lines.back();
}

}  // namespace
}  // namespace ndsharray::test
