// SPDX-License-Identifier: BSD-3-Clause
// ndsh://TAG?property=value opens a tag, wherever GStreamer opens URIs.
#include "gst_test.hpp"

#include <support/thread_state.hpp>

#include <optional>

#include "pad_watch.hpp"
#include "program.hpp"
#include "remote_pipeline.hpp"

namespace ndsharray::test {
namespace {

/// What setting a URI came to; its sentence is empty if it was taken.
struct UriAnswer {
    bool taken = false;
    bool is_bad_uri = false;
    std::string sentence;
};

UriAnswer set_uri(GstElement* src, const std::string& uri) {
    GError* error = nullptr;
    const bool taken = gst_uri_handler_set_uri(GST_URI_HANDLER(src), uri.c_str(), &error);
    if (!error)
        return {taken, false, ""};
    UriAnswer answer{taken, static_cast<bool>(g_error_matches(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI)),
                     error->message};
    g_error_free(error);
    return answer;
}

std::string uri_of(GstElement* src) {
    const Held<char> uri(gst_uri_handler_get_uri(GST_URI_HANDLER(src)));
    return uri ? uri.get() : "";
}

std::string property(GstElement* src, const char* name) {
    GValue value = G_VALUE_INIT;
    g_object_get_property(G_OBJECT(src), name, &value);
    const Held<char> text(GST_VALUE_HOLDS_CAPS(&value) ? gst_caps_to_string(gst_value_get_caps(&value))
                                                       : gst_value_serialize(&value));
    g_value_unset(&value);
    return text ? text.get() : "";
}

class Uri : public GstTest {
  protected:
    Held<GstElement> element_{GST_ELEMENT(gst_object_ref_sink(gst_element_factory_make("ndshsrc", nullptr)))};
    GstElement* src_ = element_.get();
};

TEST_F(Uri, MakesTheElement) {
    GError* error = nullptr;
    const Held<GstElement> made(gst_element_make_from_uri(GST_URI_SRC, "ndsh://cam0", nullptr, &error));
    ASSERT_NE(made, nullptr) << error->message;
    gst_object_ref_sink(made.get());
    EXPECT_EQ(property(made.get(), "tag"), "cam0");
}

TEST_F(Uri, EverySettingIsSetByItsNameAndReadBack) {
    const std::string uri =
        "ndsh://cam0?mode=every&timeout=5000000000&on-disconnect=eos&on-eos=wait&timestamps=arrival&"
        "max-leases=3&owner=root&caps=video/x-raw,%20format=(string)BGR&keepalive=100000000&"
        "min-latency=5000000";
    EXPECT_EQ(set_uri(src_, uri).sentence, "");
    EXPECT_EQ(property(src_, "tag"), "cam0");
    EXPECT_EQ(property(src_, "mode"), "every");
    EXPECT_EQ(property(src_, "timeout"), "5000000000");
    EXPECT_EQ(property(src_, "on-disconnect"), "eos");
    EXPECT_EQ(property(src_, "on-eos"), "wait");
    EXPECT_EQ(property(src_, "timestamps"), "arrival");
    EXPECT_EQ(property(src_, "max-leases"), "3");
    EXPECT_EQ(property(src_, "owner"), "root");
    EXPECT_EQ(property(src_, "caps"), "video/x-raw, format=(string)BGR");
    EXPECT_EQ(property(src_, "keepalive"), "100000000");
    EXPECT_EQ(property(src_, "min-latency"), "5000000");
    EXPECT_EQ(uri_of(src_), uri);
}

TEST_F(Uri, IsThatOfTheCurrentStateWhoeverSetIt) {
    EXPECT_EQ(uri_of(src_), "");
    g_object_set(src_, "tag", "cam0", nullptr);
    EXPECT_EQ(uri_of(src_), "ndsh://cam0");
    gst_util_set_object_arg(G_OBJECT(src_), "on-disconnect", "error");
    EXPECT_EQ(uri_of(src_), "ndsh://cam0?on-disconnect=error");
    EXPECT_TRUE(set_uri(src_, "ndsh://cam1").taken);
    EXPECT_EQ(uri_of(src_), "ndsh://cam1?on-disconnect=error");
    EXPECT_TRUE(set_uri(src_, "ndsh://cam1?on-disconnect=wait").taken);
    EXPECT_EQ(uri_of(src_), "ndsh://cam1");
}

TEST_F(Uri, AnyTagCanBeNamed) {
    const std::string longest(128, 'x');
    for (const std::string& tag : {std::string("Cam_0.x-Y"), std::string("CAM"), std::string("1.2.3.4"),
                                   std::string("-a"), std::string("010"), longest}) {
        EXPECT_EQ(set_uri(src_, "ndsh://" + tag).sentence, "") << tag;
        EXPECT_EQ(property(src_, "tag"), tag);
        EXPECT_EQ(uri_of(src_), "ndsh://" + tag);
    }
}

TEST_F(Uri, OtherWaysToWriteIt) {
    for (const std::string uri :
         {"ndsh://Cam0/", "ndsh:///Cam0", "ndsh://Cam%30", "ndsh://%43am0?", "NDSH://Cam0"}) {
        g_object_set(src_, "tag", nullptr, nullptr);
        EXPECT_EQ(set_uri(src_, uri).sentence, "") << uri;
        EXPECT_EQ(property(src_, "tag"), "Cam0") << uri;
    }
}

TEST_F(Uri, BadOnesAreRefusedWithASentenceThatSaysWhatIsAllowed) {
    const std::string form = "ndsh://TAG", characters = "A-Z a-z 0-9";
    const std::vector<std::pair<std::string, std::string>> bad = {
        {"ndsh://", characters},
        {"ndsh:///", characters},
        {"ndsh://?mode=every", characters},
        {"ndsh:cam0", form},
        {"ndsh:/cam0", form},
        {"ndsh://.cam0", characters},
        {"ndsh://cam0.readers", ".readers"},
        {"ndsh://a b", characters},
        {"ndsh://a%2Fb", characters},
        {"ndsh:///a/b", characters},
        {"ndsh:////a", characters},
        {"ndsh://cam0/path", form},
        {"ndsh://user@cam0", form},
        {"ndsh://cam0:80", form},
        {"ndsh://cam0#part", form},
        {"ndsh://[::1]", characters},
        {"ndsh://cam%zz", form},
        {"ndsh://cam%00", form},
        {"ndsh://cam\xc3\xa4", characters},
        {"ndsh://" + std::string(129, 'x'), characters},
        {"ndsh://cam0?nosuch=1",
         "mode, timeout, on-disconnect, on-eos, timestamps, max-leases, owner, caps, keepalive, "
         "min-latency"},
        {"ndsh://cam0?stats=1", "keepalive"},
        {"ndsh://cam0?tag=cam1", "keepalive"},
        {"ndsh://cam0?name=x", "keepalive"},
        {"ndsh://cam0?num-buffers=1", "keepalive"},
        {"ndsh://cam0?mode", form},
        {"ndsh://cam0?mode=sometimes", "latest, every"},
        {"ndsh://cam0?mode=", "latest, every"},
        {"ndsh://cam0?on-eos=error", "eos, wait"},
        {"ndsh://cam0?timeout=5s", "nanoseconds"},
        {"ndsh://cam0?timeout=-1", "nanoseconds"},
        {"ndsh://cam0?keepalive=", "nanoseconds"},
        {"ndsh://cam0?max-leases=33", "from 0 to 32"},
        {"ndsh://cam0?caps=%3B%3Bno", "GstCaps"},
        {"ndsh://cam0?mode=every&mode=latest", "twice"},
        {"ndsh://cam0?mode=%zz", form},
    };
    g_object_set(src_, "tag", "before", nullptr);
    for (const auto& [uri, part] : bad) {
        SCOPED_TRACE(uri);
        const UriAnswer answer = set_uri(src_, uri);
        EXPECT_FALSE(answer.taken);
        EXPECT_TRUE(answer.is_bad_uri);
        EXPECT_TRUE(contains(answer.sentence, part)) << answer.sentence;
        EXPECT_EQ(uri_of(src_), "ndsh://before");
    }
}

TEST_F(Uri, BadOneChangesNothing) {
    EXPECT_FALSE(set_uri(src_, "ndsh://cam0?mode=every&timestamps=never").taken);
    EXPECT_EQ(property(src_, "mode"), "latest");
    EXPECT_EQ(uri_of(src_), "");
}

TEST_F(Uri, ThatIsSetWhilePlayingMovesTheSourceOver) {
    Pipeline first(writing());
    Pipeline second(
        "appsrc name=in format=time ! ndshsink name=sink sync=false backpressure=true "
        "wait-for-reader=true tag=cam1");
    Pipeline reader("ndshsrc name=src tag=cam0 ! fakesink sync=false async=false");
    PadWatch watch(reader["src"], "src");
    for (Pipeline* pipeline : {&first, &second, &reader})
        pipeline->play();
    ASSERT_TRUE(push_random(first["in"], caps_, 1));
    ASSERT_TRUE(watch.reaches(1));
    ASSERT_TRUE(push_random(second["in"], caps_text("GRAY8", 31, 17), 10, 20));
    EXPECT_EQ(set_uri(reader["src"], "ndsh://cam1?mode=every").sentence, "");
    ASSERT_TRUE(watch.reaches(21));
    EXPECT_TRUE(contains(watch.last().caps, "GRAY8"));
    EXPECT_EQ(counter(reader["src"], "missed"), 0U);
    EXPECT_FALSE(set_uri(reader["src"], "ndsh://not a tag").taken);
    EXPECT_EQ(uri_of(reader["src"]), "ndsh://cam1?mode=every");
}

/// The writer is another process, in which frame after frame is sent until one is shown.
class Player : public GstTest, public ::testing::WithParamInterface<const char*> {
  protected:
    static std::string playing(const std::string& uri) {
        const std::string player = GetParam();
        if (player.starts_with("playbin"))
            return player + " name=player uri=" + uri + " video-sink=appsink";
        return player + " name=player uri=" + uri + " ! appsink name=out";
    }

    /// A player takes its sink in only when there is something to show.
    static Held<GstElement> sink_of(Pipeline& player) {
        GstElement* sink = nullptr;
        if (std::string_view(GetParam()).starts_with("playbin"))
            g_object_get(player.get(), "video-sink", &sink, nullptr);
        else
            sink = GST_ELEMENT(gst_object_ref(player["out"]));
        return Held<GstElement>(sink);
    }

    static Sample first_frame(RemotePipeline& writer, Pipeline& player, const std::string& caps) {
        const auto sink = sink_of(player);
        Sample sample;
        EXPECT_TRUE(wait_until([&] {
            writer.push_random(caps, 5);
            sample = pull(sink.get(), 100ms);
            return static_cast<bool>(sample);
        }));
        return sample;
    }

    /// Stops the writer, and waits until the player waits for another one. While frames come it may not be
    /// stopped here: a source that has new caps, or a new downstream, sends a query, which GStreamer's
    /// multiqueue goes on reading when its sender has freed it.
    static void expect_to_wait_after(RemotePipeline& writer) {
        writer.stop();
        EXPECT_TRUE(wait_until(other_threads_are_blocked));
    }
};

TEST_P(Player, ShowsTheFramesOfATag) {
    RemotePipeline writer(writing());
    Pipeline player(playing("ndsh://cam0?timestamps=arrival"));
    player.play();
    const Sample sample = first_frame(writer, player, caps_);
    ASSERT_TRUE(sample);
    EXPECT_TRUE(sample.is_random_frame(caps_));
    EXPECT_EQ(player.error(0s).sentence, "");
    expect_to_wait_after(writer);
}

TEST_P(Player, ShowsATagThatComesLater) {
    Pipeline player(playing("ndsh://cam0?timestamps=arrival"));
    player.play();
    EXPECT_EQ(player.message(GST_MESSAGE_ERROR, 100ms), nullptr);
    RemotePipeline writer(writing());
    EXPECT_TRUE(first_frame(writer, player, caps_));
    expect_to_wait_after(writer);
}

TEST_P(Player, SaysWhatIsWrongWithAUri) {
    Pipeline player(playing("ndsh://cam0?nosuch=1"));
    player.set_state(GST_STATE_PLAYING);
    const PipelineError error = player.error();
    EXPECT_TRUE(contains(error.sentence + error.detail, "\"nosuch\" is not a setting"))
        << error.sentence << " / " << error.detail;
}

INSTANTIATE_TEST_SUITE_P(Elements, Player,
                         ::testing::Values("playbin", "playbin3", "uridecodebin", "uridecodebin3",
                                           "urisourcebin"));

TEST_F(Uri, GstPlayPlaysItToItsEnd) {
    RemotePipeline writer(writing("wait-for-reader=true backpressure=true"));
    Program player({"gst-play-1.0", "--no-interactive", "--videosink=fakevideosink",
                    "ndsh://cam0?mode=every&on-disconnect=eos"});
    writer.push_random(caps_, 0, 10);
    writer.end();
    const std::string output = player.to_its_end();
    EXPECT_TRUE(contains(output, "Now playing ndsh://cam0")) << output;
    EXPECT_TRUE(contains(output, "Reached end of play list")) << output;
    EXPECT_FALSE(contains(output, "ERROR")) << output;
    EXPECT_EQ(writer.counter("sink", "published"), 10U);
    writer.stop();
}

}  // namespace
}  // namespace ndsharray::test
