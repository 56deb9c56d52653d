// SPDX-License-Identifier: BSD-3-Clause
// A stream that the sink cannot take ends with one sentence that says what to put before it.
#include <gst/app/gstappsrc.h>

#include <sys/wait.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <utility>

#include "gst_test.hpp"
#include "metas.hpp"

namespace ndsharray::test {
namespace {

/// Errors of streams that only say what they are when they run.
class WrongStream : public GstTest {
  protected:
    PipelineError error_of(const std::string& caps) {
        Pipeline writer(writing());
        writer.play();
        Held<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, 100, nullptr));
        if (caps.empty())
            gst_app_src_push_buffer(GST_APP_SRC(writer["in"]), buffer.release());
        else
            push(writer["in"], caps, std::move(buffer));
        return writer.error();
    }

    /// What `gst-launch-1.0 LINE ! ndshsink` prints. It ends by itself.
    std::string launched(const std::string& line) {
        const std::string command = "gst-launch-1.0 " + line + " ! ndshsink tag=" + tag_ + " 2>&1";
        const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "r"), [](FILE* file) {
            EXPECT_NE(::pclose(file), 0);
            return 0;
        });
        std::string text;
        for (int character; (character = std::fgetc(output.get())) != EOF;)
            text += static_cast<char>(character);
        return text;
    }
};

TEST_F(WrongStream, IsToldWhatToPutBeforeTheSink) {
    const std::pair<const char*, const char*> expected[] = {
        {"image/jpeg,width=64,height=48", "jpegdec"},
        {"video/x-h264,stream-format=byte-stream,alignment=au", "avdec_h264"},
        {"video/x-flash-video", "decodebin"},
        {"video/quicktime,variant=iso", "decodebin"},
        {"audio/x-raw,format=S16LE,rate=8000,channels=1,layout=interleaved", "sound"},
        {"audio/mpeg,mpegversion=4", "sound"},
        {"video/x-raw(memory:GLMemory),format=RGBA,width=64,height=48,framerate=30/1", "gldownload"},
        {"", "decodebin"},
    };
    for (const auto& [caps, advice] : expected) {
        SCOPED_TRACE(caps);
        const PipelineError error = error_of(caps);
        EXPECT_TRUE(error.is(GST_STREAM_ERROR_WRONG_TYPE)) << error.sentence;
        EXPECT_EQ(error.source, "sink");
        EXPECT_TRUE(contains(error.sentence, advice)) << error.sentence;
        EXPECT_FALSE(error.detail.empty());
    }
}

/// Such elements say what they are before they run. Then nobody may be told only that they cannot be linked.
TEST_F(WrongStream, IsToldByGstLaunchWhatToPutBeforeTheSink) {
    const std::pair<const char*, const char*> expected[] = {
        {"videotestsrc ! jpegenc", "jpegdec"},
        {"videotestsrc ! jpegenc ! image/jpeg", "jpegdec"},
        {"videotestsrc ! pngenc ! queue", "pngdec"},
        {"videotestsrc ! vp8enc", "vp8dec"},
        {"videotestsrc ! theoraenc ! oggmux", "decodebin"},
        {"fakesrc ! capsfilter caps=video/x-h264", "avdec_h264"},
        {"audiotestsrc", "sound"},
        {"fakesrc ! capsfilter caps=\"video/x-raw(memory:GLMemory)\"", "gldownload"},
    };
    for (const auto& [line, advice] : expected) {
        SCOPED_TRACE(line);
        const std::string output = launched(line);
        EXPECT_TRUE(contains(output, "NdshSink:ndshsink0: ")) << output;
        EXPECT_TRUE(contains(output, advice)) << output;
        EXPECT_FALSE(contains(output, "could not link")) << output;
    }
}

/// A bin that has pads of several kinds gives the sink its video.
TEST_F(WrongStream, OfSoundIsNotLinkedToASinkThatIsReady) {
    Pipeline pipeline("ndshsink name=sink tag=" + tag_);
    ASSERT_TRUE(pipeline.set_state(GST_STATE_READY));
    const Held<GstPad> pad(gst_element_get_static_pad(pipeline["sink"], "sink"));
    for (const char* wrong : {"audio/x-raw", "video/x-h264", "image/jpeg"}) {
        const Held<GstCaps> offered = caps(wrong), taken(gst_pad_query_caps(pad.get(), offered.get()));
        EXPECT_TRUE(gst_caps_is_empty(taken.get())) << wrong;
    }
}

/// No buffer is in this element, and none comes, while this lives: so its branches can come and go.
class BlockedElement {
  public:
    explicit BlockedElement(GstElement* element) : pad_(gst_element_get_static_pad(element, "sink")) {
        const auto stay = [](GstPad*, GstPadProbeInfo*, gpointer is_blocked) {
            *static_cast<std::atomic<bool>*>(is_blocked) = true;
            return GST_PAD_PROBE_OK;
        };
        probe_ =
            gst_pad_add_probe(pad_.get(), GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM, stay, &is_blocked_, nullptr);
        EXPECT_TRUE(wait_until([&] { return is_blocked_.load(); }));
    }
    ~BlockedElement() { gst_pad_remove_probe(pad_.get(), probe_); }
    BlockedElement(const BlockedElement&) = delete;
    BlockedElement& operator=(const BlockedElement&) = delete;

  private:
    const Held<GstPad> pad_;
    std::atomic<bool> is_blocked_{false};
    gulong probe_ = 0;
};

/// A program that gets pads one after another makes a sink for the one that can be linked.
TEST_F(WrongStream, IsNotLinkedInAPipelineThatPlays) {
    Pipeline pipeline(
        "audiotestsrc is-live=true ! tee name=sound ! queue ! fakesink "
        "videotestsrc is-live=true ! tee name=video ! queue ! fakesink");
    pipeline.play();
    for (const std::string branch : {"ndshsink", "queue ! ndshsink"}) {
        SCOPED_TRACE(branch);
        const std::string line = branch + " async=false sync=false name=sink tag=" + tag_;
        GstElement* bin = gst_parse_bin_from_description(line.c_str(), TRUE, nullptr);
        ASSERT_TRUE(gst_bin_add(GST_BIN(pipeline.get()), bin));
        {
            const BlockedElement video(pipeline["video"]);
            EXPECT_FALSE(gst_element_link(pipeline["sound"], bin));
            EXPECT_TRUE(gst_element_link(pipeline["video"], bin));
            EXPECT_TRUE(gst_element_sync_state_with_parent(bin));
        }
        EXPECT_TRUE(wait_until([&] { return counter(pipeline["sink"], "published") > 0; }));
        const BlockedElement video(pipeline["video"]);
        gst_element_set_state(bin, GST_STATE_NULL);
        gst_bin_remove(GST_BIN(pipeline.get()), bin);
    }
}

TEST_F(WrongStream, ThatIsLinkedLaterDoesNotKeepTheSinkFromPlaying) {
    Pipeline pipeline("ndshsink name=sink async=false tag=" + tag_);
    EXPECT_TRUE(pipeline.reaches(GST_STATE_PLAYING));
}

TEST_F(WrongStream, PlaysOnceItIsCorrected) {
    Pipeline pipeline(
        "appsrc name=in format=time ! capsfilter name=filter caps=image/jpeg ! ndshsink name=sink tag=" +
        tag_);
    EXPECT_FALSE(pipeline.set_state(GST_STATE_PLAYING));
    EXPECT_TRUE(pipeline.error().is(GST_STREAM_ERROR_WRONG_TYPE));
    ASSERT_TRUE(pipeline.set_state(GST_STATE_NULL));
    const Held<GstCaps> any(gst_caps_new_any());
    g_object_set(pipeline["filter"], "caps", any.get(), nullptr);
    pipeline.play();
    EXPECT_TRUE(push_random(pipeline["in"], caps_, 0));
    EXPECT_TRUE(wait_until([&] { return counter(pipeline["sink"], "published") == 1; }));
}

}  // namespace
}  // namespace ndsharray::test
