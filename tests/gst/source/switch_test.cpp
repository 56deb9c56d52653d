// SPDX-License-Identifier: BSD-3-Clause
// ndshsrc moves to another tag while it plays: at once, whole, without a way back in time, and leaving
// nothing.
#include "gst_test.hpp"

#include <support/background_call.hpp>

#include <algorithm>
#include <atomic>
#include <optional>

#include "pad_watch.hpp"
#include "remote_pipeline.hpp"
#include "resources.hpp"

namespace ndsharray::test {
namespace {

void set_tag(GstElement* src, const char* tag) {
    g_object_set(src, "tag", tag, nullptr);
}

std::string tag_of(GstElement* src) {
    char* tag = nullptr;
    g_object_get(src, "tag", &tag, nullptr);
    const Held<char> owned(tag);
    return tag ? tag : "";
}

std::string writing_under(const std::string& tag) {
    return "appsrc name=in format=time ! ndshsink name=sink sync=false tag=" + tag;
}

class Switch : public GstTest {
  protected:
    const std::string other_caps_ = caps_text("GRAY8", 31, 17);
    const std::string playing_ =
        "ndshsrc name=src tag=cam0 ! fakesink sync=false async=false enable-last-sample=false";
};

bool is_of(const Passed& buffer, const std::string& format) {
    return contains(buffer.caps, "format=(string)" + format + ",");
}

/// Moves a thousand times between two cameras of different formats, each time when a frame of the last one
/// came, and looks at every buffer.
TEST_F(Switch, AThousandTimesBetweenFormatsWithinOneFrameLeavingNothing) {
    constexpr int many = 1000, to_begin_with = 20;
    RemotePipeline gray(filming("cam0", "GRAY8")), color(filming("cam1", "RGB"));
    Pipeline reader("ndshsrc name=src tag=cam0 ! fakesink sync=false async=false enable-last-sample=false");
    auto watch = std::make_unique<PadWatch>(reader["src"], "src");
    reader.play();
    // LATENCY messages that nobody reads, more of them on a busy machine, are nothing that a switch leaves.
    g_autoptr(GstBus) bus = gst_element_get_bus(reader.get());
    gst_bus_set_flushing(bus, TRUE);
    ASSERT_TRUE(watch->reaches(1));
    std::optional<Resources> before;
    for (int i = 1; i <= to_begin_with + many; ++i) {
        if (i == to_begin_with) {
            before.emplace();
            watch = std::make_unique<PadWatch>(reader["src"], "src");
            ASSERT_TRUE(watch->reaches(1));
        }
        const std::string last = i % 2 ? "GRAY8" : "RGB", next = i % 2 ? "RGB" : "GRAY8";
        set_tag(reader["src"], i % 2 ? "cam1" : "cam0");
        const std::size_t at_return = watch->count();
        ASSERT_TRUE(watch->sees([&](const Passed& b) { return is_of(b, next); }, at_return)) << i;
        const auto since = watch->all(at_return > 0 ? at_return - 1 : 0);
        const auto first = std::find_if(since.begin() + (at_return > 0 ? 1 : 0), since.end(),
                                        [&](const Passed& b) { return is_of(b, next); });
        // One may be on its way already; another one may have been taken just before.
        ASSERT_LE(first - since.begin(), at_return > 0 ? 2 : 1) << i;
        ASSERT_TRUE(first == since.begin() || !is_of(first[-1], last) ||
                    (first->is_discont && first->follows_caps_event))
            << i;
    }
    for (const Passed& buffer : watch->all())
        ASSERT_FALSE(buffer.checksum.empty());
    EXPECT_TRUE(strictly_later(watch->all()));
    watch.reset();
    EXPECT_TRUE(back_to(*before)) << Resources() << " now; before: " << *before;
    // Where free memory is counted as such (GLIBC_TUNABLES in meson.build): ten bytes per switch would be
    // seen.
    EXPECT_LT(Resources().heap, before->heap + many * 10);
    EXPECT_EQ(counter(reader["src"], "reconnects"), 0U);
    gray.stop();
    color.stop();
}

TEST_F(Switch, ToATagThatIsNotThereYetStartsWhenItAppears) {
    Pipeline first(writing_under("cam0"));
    Pipeline reader(playing_);
    PadWatch watch(reader["src"], "src");
    first.play();
    reader.play();
    ASSERT_TRUE(push_random(first["in"], caps_, 1));
    ASSERT_TRUE(watch.reaches(1));
    set_tag(reader["src"], "cam1");
    ASSERT_TRUE(has_readers(first["sink"], 0));
    ASSERT_TRUE(push_random(first["in"], caps_, 2));
    RemotePipeline second(writing_under("cam1"));
    second.push_random(other_caps_, 3);
    ASSERT_TRUE(watch.reaches(2));
    const Passed moved = watch.all().at(1);
    EXPECT_EQ(moved.offset, 3U);
    EXPECT_TRUE(moved.is_discont);
    EXPECT_TRUE(moved.follows_caps_event);
    second.stop();
}

TEST_F(Switch, WithModeEveryHasEachFrameOfTheNewTagAndNoneOfTheOld) {
    Pipeline first(writing_under("cam0 backpressure=true"));
    Pipeline second(writing_under("cam1 backpressure=true wait-for-reader=true slots=4"));
    Pipeline reader(
        "ndshsrc name=src tag=cam0 mode=every ! fakesink sync=false async=false enable-last-sample=false");
    PadWatch watch(reader["src"], "src");
    for (Pipeline* pipeline : {&first, &second, &reader})
        pipeline->play();
    ASSERT_TRUE(has_readers(first["sink"]));
    ASSERT_TRUE(push_random(first["in"], caps_, 0, 5));
    ASSERT_TRUE(watch.reaches(5));
    ASSERT_TRUE(push_random(second["in"], other_caps_, 100, 50));
    set_tag(reader["src"], "cam1");
    ASSERT_TRUE(watch.reaches(55));
    const auto all = watch.all();
    for (std::size_t i = 0; i < 50; ++i)
        EXPECT_EQ(all[5 + i].offset, 100 + i);
    EXPECT_TRUE(strictly_later(all));
}

/// Downstream keeps the streaming thread, as a sink does that waits for the clock.
class Hold {
  public:
    void operator()() {
        holds_ = true;
        holds_.notify_all();
        released_.wait(false);
    }
    bool holds() const { return holds_; }
    void release() {
        released_ = true;
        released_.notify_all();
    }

  private:
    std::atomic<bool> holds_ = false, released_ = false;
};

TEST_F(Switch, WhileDownstreamHoldsAFrameReleasesTheOldWriterAtOnce) {
    Pipeline first(writing_under("cam0 backpressure=true wait-for-reader=true slots=3"));
    Pipeline second(writing_under("cam1"));
    Pipeline reader(
        "ndshsrc name=src tag=cam0 mode=every ! fakesink sync=false async=false enable-last-sample=false");
    Hold hold;
    PadWatch watch(reader["src"], "src", [&](GstPadProbeInfo* info) {
        if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
            hold();
    });
    for (Pipeline* pipeline : {&first, &second, &reader})
        pipeline->play();
    ASSERT_TRUE(push_random(second["in"], other_caps_, 200));
    ASSERT_TRUE(push_random(first["in"], caps_, 0, 30));
    end(first["in"]);
    ASSERT_TRUE(wait_until([&] { return hold.holds(); }));
    EXPECT_EQ(first.message(GST_MESSAGE_EOS, 50ms), nullptr);
    set_tag(reader["src"], "cam1");
    EXPECT_TRUE(first.ends());
    EXPECT_EQ(counter(first["sink"], "published"), 30U);
    EXPECT_EQ(watch.count(), 1U);
    hold.release();
    ASSERT_TRUE(watch.reaches(2));
    EXPECT_EQ(watch.all().at(1).offset, 200U);
}

TEST_F(Switch, FromTheStreamingThreadWithEveryBufferAndEvent) {
    RemotePipeline gray(filming("cam0", "GRAY8")), color(filming("cam1", "RGB"));
    Pipeline reader(playing_);
    GstElement* src = reader["src"];
    PadWatch watch(src, "src", [src, round = 0](GstPadProbeInfo*) mutable {
        set_tag(src, round++ % 2 ? "cam0" : "cam1");
    });
    reader.play();
    ASSERT_TRUE(watch.reaches(100));
    ASSERT_TRUE(watch.sees([](const Passed& b) { return is_of(b, "RGB"); }));
    ASSERT_TRUE(watch.sees([](const Passed& b) { return is_of(b, "GRAY8"); }));
    EXPECT_TRUE(strictly_later(watch.all()));
    EXPECT_EQ(reader.error(0s).sentence, "");
    gray.stop();
    color.stop();
}

TEST_F(Switch, WhilePausedCountsWhenItPlaysAgain) {
    Pipeline first(writing_under("cam0")), second(writing_under("cam1"));
    Pipeline reader(playing_);
    PadWatch watch(reader["src"], "src");
    for (Pipeline* pipeline : {&first, &second, &reader})
        pipeline->play();
    ASSERT_TRUE(push_random(first["in"], caps_, 1));
    ASSERT_TRUE(push_random(second["in"], other_caps_, 2));
    ASSERT_TRUE(watch.reaches(1));
    ASSERT_TRUE(reader.reaches(GST_STATE_PAUSED));
    set_tag(reader["src"], "cam1");
    ASSERT_TRUE(push_random(first["in"], caps_, 3));
    ASSERT_TRUE(reader.reaches(GST_STATE_PLAYING));
    ASSERT_TRUE(watch.reaches(2));
    EXPECT_EQ(watch.all().at(1).offset, 2U);
    EXPECT_TRUE(strictly_later(watch.all()));
}

void send_flush(GstElement* src, GstEvent* event) {
    EXPECT_TRUE(gst_element_send_event(src, event));
}

TEST_F(Switch, WhileFlushingCountsWhenItIsOver) {
    Pipeline first(writing_under("cam0")), second(writing_under("cam1"));
    Pipeline reader(playing_);
    PadWatch watch(reader["src"], "src");
    for (Pipeline* pipeline : {&first, &second, &reader})
        pipeline->play();
    ASSERT_TRUE(push_random(first["in"], caps_, 1));
    ASSERT_TRUE(push_random(second["in"], other_caps_, 2));
    ASSERT_TRUE(watch.reaches(1));
    send_flush(reader["src"], gst_event_new_flush_start());
    set_tag(reader["src"], "cam1");
    send_flush(reader["src"], gst_event_new_flush_stop(TRUE));
    ASSERT_TRUE(watch.reaches(2));
    const Passed moved = watch.all().at(1);
    EXPECT_EQ(moved.offset, 2U);
    EXPECT_TRUE(is_of(moved, "GRAY8"));
}

/// Both tags are in their first generation, so only the writer tells that these are other caps.
TEST_F(Switch, ThatAFlushInterruptsBeforeTheNewCapsAreSentSendsThemAfterwards) {
    Pipeline first(writing_under("cam0")), second(writing_under("cam1"));
    Pipeline reader(playing_);
    GstElement* src = reader["src"];
    std::atomic<bool> flushes = false, flushed = false;
    PadWatch watch(src, "src", [&](GstPadProbeInfo* info) {
        if (!(info->type & GST_PAD_PROBE_TYPE_BUFFER) &&
            GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_CAPS && flushes.exchange(false)) {
            send_flush(src, gst_event_new_flush_start());
            flushed = true;
        }
    });
    for (Pipeline* pipeline : {&first, &second, &reader})
        pipeline->play();
    ASSERT_TRUE(push_random(first["in"], caps_, 1));
    ASSERT_TRUE(watch.reaches(1));
    ASSERT_TRUE(push_random(second["in"], other_caps_, 2));
    flushes = true;
    set_tag(src, "cam1");
    ASSERT_TRUE(wait_until([&] { return flushed.load(); }));
    send_flush(src, gst_event_new_flush_stop(TRUE));
    ASSERT_TRUE(push_random(second["in"], other_caps_, 3));
    ASSERT_TRUE(watch.sees([](const Passed& b) { return b.offset == 3; }));
    for (const Passed& buffer : watch.all()) {
        EXPECT_TRUE(is_of(buffer, buffer.offset == 1 ? "RGB" : "GRAY8")) << buffer.caps;
        EXPECT_FALSE(buffer.checksum.empty());
    }
    EXPECT_TRUE(watch.all().at(1).is_discont);
}

TEST_F(Switch, ToAMalformedTagIsRefusedWithAWarningAndReadingGoesOn) {
    Pipeline writer(writing_under("cam0"));
    Pipeline reader(playing_);
    PadWatch watch(reader["src"], "src");
    writer.play();
    reader.play();
    ASSERT_TRUE(push_random(writer["in"], caps_, 0));
    ASSERT_TRUE(watch.reaches(1));
    unsigned number = 0;
    for (const char* tag : {"not a tag", "", static_cast<const char*>(nullptr), ".hidden"}) {
        set_tag(reader["src"], tag);
        const auto message = reader.message(GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
        ASSERT_NE(message, nullptr);
        ASSERT_EQ(GST_MESSAGE_TYPE(message.get()), GST_MESSAGE_WARNING);
        GError* error = nullptr;
        gst_message_parse_warning(message.get(), &error, nullptr);
        EXPECT_TRUE(g_error_matches(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS));
        EXPECT_TRUE(contains(error->message, "A-Z a-z 0-9")) << error->message;
        g_error_free(error);
        EXPECT_EQ(tag_of(reader["src"]), "cam0");
        ASSERT_TRUE(push_random(writer["in"], caps_, ++number));
        ASSERT_TRUE(watch.reaches(number + 1));
    }
}

TEST_F(Switch, TakesTheModeAlongThatWasSetMeanwhile) {
    Pipeline first(writing_under("cam0"));
    Pipeline second(writing_under("cam1 backpressure=true wait-for-reader=true slots=3"));
    Pipeline reader("ndshsrc name=src tag=cam0 ! fakesink sync=false async=false enable-last-sample=false");
    PadWatch watch(reader["src"], "src");
    for (Pipeline* pipeline : {&first, &second, &reader})
        pipeline->play();
    ASSERT_TRUE(push_random(first["in"], caps_, 1));
    ASSERT_TRUE(watch.reaches(1));
    ASSERT_TRUE(push_random(second["in"], caps_, 10, 20));
    gst_util_set_object_arg(G_OBJECT(reader["src"]), "mode", "every");
    set_tag(reader["src"], "cam1");
    ASSERT_TRUE(watch.reaches(21));
    EXPECT_EQ(counter(reader["src"], "missed"), 0U);
}

/// Frames of the first tag are to be shown later than those of the second, as of a camera with more latency.
TEST_F(Switch, ToATagWhoseFramesAreEarlierDoesNotGoBackInTime) {
    for (const std::string mode : {"clock", "auto"}) {
        SCOPED_TRACE(mode);
        Pipeline first(writing_under("cam0")), second(writing_under("cam1"));
        Pipeline reader("ndshsrc name=src tag=cam0 timestamps=" + mode +
                        " ! fakesink name=out sync=true async=false max-lateness=20000000 qos=true");
        PadWatch watch(reader["src"], "src");
        const auto push_at = [&](Pipeline& writer, unsigned offset, GstClockTime pts) {
            Held<GstBuffer> buffer = random_frame(video_info(caps_), offset);
            GST_BUFFER_PTS(buffer.get()) = pts;
            GST_BUFFER_OFFSET(buffer.get()) = offset;
            return push(writer["in"], caps_, std::move(buffer));
        };
        for (Pipeline* pipeline : {&first, &second, &reader})
            pipeline->play();
        ASSERT_TRUE(push_at(first, 1, 600 * GST_MSECOND));
        ASSERT_TRUE(push_at(second, 2, 500 * GST_MSECOND));
        ASSERT_TRUE(watch.reaches(1));
        set_tag(reader["src"], "cam1");
        ASSERT_TRUE(watch.reaches(2));
        ASSERT_TRUE(push_at(second, 3, 550 * GST_MSECOND));
        ASSERT_TRUE(watch.reaches(3));
        ASSERT_TRUE(push_at(second, 4, 900 * GST_MSECOND));
        ASSERT_TRUE(watch.reaches(4));
        const auto all = watch.all();
        EXPECT_TRUE(strictly_later(all));
        EXPECT_EQ(all[1].running_time, all[0].running_time + 1);
        EXPECT_EQ(all[2].running_time, all[1].running_time + 1);
        // From then on it is the writer's instant again.
        EXPECT_EQ(all[3].running_time + reader.base_time(), 900 * GST_MSECOND + second.base_time());
    }
}

TEST_F(Switch, BetweenAFileAndACameraDoesNotGoBackInTime) {
    Pipeline file(writing_under("cam0 backpressure=true wait-for-reader=true")),
        camera(writing_under("cam1"));
    Pipeline reader(
        "ndshsrc name=src tag=cam0 mode=every ! fakesink sync=false async=false enable-last-sample=false");
    PadWatch watch(reader["src"], "src");
    for (Pipeline* pipeline : {&file, &camera, &reader})
        pipeline->play();
    ASSERT_TRUE(push_random(file["in"], caps_, 0, 100));       // four seconds of it, at once
    ASSERT_TRUE(push_random(camera["in"], other_caps_, 250));  // at ten seconds
    ASSERT_TRUE(watch.reaches(100));
    set_tag(reader["src"], "cam1");
    ASSERT_TRUE(watch.reaches(101));
    set_tag(reader["src"], "cam0");
    ASSERT_TRUE(has_readers(file["sink"], 1));
    ASSERT_TRUE(push_random(file["in"], caps_, 100, 10));
    ASSERT_TRUE(watch.sees([](const Passed& b) { return b.offset == 109; }));
    EXPECT_TRUE(strictly_later(watch.all()));
}

TEST_F(Switch, OfTimestampsDoesNotGoBackInTimeEither) {
    Pipeline file(writing_under("cam0 backpressure=true wait-for-reader=true"));
    Pipeline reader("ndshsrc name=src tag=cam0 mode=every ! fakesink sync=false async=false");
    PadWatch watch(reader["src"], "src");
    file.play();
    reader.play();
    ASSERT_TRUE(push_random(file["in"], caps_, 0, 100));
    ASSERT_TRUE(watch.reaches(100));
    for (const char* mode : {"clock", "arrival", "stream", "auto"}) {
        gst_util_set_object_arg(G_OBJECT(reader["src"]), "timestamps", mode);
        const std::size_t before = watch.count();
        ASSERT_TRUE(push_random(file["in"], caps_, 10, 2));
        ASSERT_TRUE(watch.reaches(before + 2));
    }
    EXPECT_TRUE(strictly_later(watch.all()));
}

}  // namespace
}  // namespace ndsharray::test
