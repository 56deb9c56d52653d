// SPDX-License-Identifier: BSD-3-Clause
// The properties of both elements: names, types, defaults, what stats hold, and use from any thread.
#include "gst_test.hpp"

#include <support/child_process.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <set>
#include <thread>

namespace ndsharray::test {
namespace {

using Names = std::set<std::string>;

/// What an element has beyond its base class.
Names own_properties(GstElement* element) {
    GObjectClass* klass = G_OBJECT_GET_CLASS(element);
    guint count = 0;
    GParamSpec** specs = g_object_class_list_properties(klass, &count);
    Names names;
    for (guint i = 0; i < count; ++i)
        if (specs[i]->owner_type == G_OBJECT_TYPE(element))
            names.insert(specs[i]->name);
    g_free(specs);
    return names;
}

GParamSpec* spec_of(GstElement* element, const char* property) {
    return g_object_class_find_property(G_OBJECT_GET_CLASS(element), property);
}

/// Type name, default and whether it can be written.
struct Expected {
    std::string type;
    std::string default_value;
    bool writable = true;
};

std::string default_of(GParamSpec* spec) {
    const GValue* value = g_param_spec_get_default_value(spec);
    if (G_VALUE_HOLDS_BOXED(value) && g_value_get_boxed(value) == nullptr)
        return "";
    const gst::Owned<char> text(gst_value_serialize(value));
    return text ? text.get() : "";
}

void expect_properties(GstElement* element, const std::map<std::string, Expected>& expected) {
    Names names;
    for (const auto& [name, property] : expected) {
        names.insert(name);
        SCOPED_TRACE(name);
        GParamSpec* spec = spec_of(element, name.c_str());
        ASSERT_NE(spec, nullptr);
        EXPECT_EQ(g_type_name(spec->value_type), property.type);
        EXPECT_EQ(default_of(spec), property.default_value);
        EXPECT_EQ((spec->flags & G_PARAM_WRITABLE) != 0, property.writable);
        EXPECT_TRUE(spec->flags & G_PARAM_READABLE);
        EXPECT_GT(std::string(g_param_spec_get_blurb(spec)).size(), 10U);
    }
    EXPECT_EQ(own_properties(element), names);
}

/// Nicks of an enumeration, by value.
std::vector<std::string> nicks(GstElement* element, const char* property) {
    const auto* klass = G_PARAM_SPEC_ENUM(spec_of(element, property))->enum_class;
    std::vector<std::string> result;
    for (guint i = 0; i < klass->n_values; ++i)
        result.emplace_back(klass->values[i].value_nick);
    return result;
}

/// Names of the fields of the stats, each with its type.
std::map<std::string, std::string> stats_fields(GstElement* element) {
    GstStructure* structure = nullptr;
    g_object_get(element, "stats", &structure, nullptr);
    const Held<GstStructure> stats(structure);
    std::map<std::string, std::string> fields;
    for (int i = 0; i < gst_structure_n_fields(stats.get()); ++i) {
        const char* name = gst_structure_nth_field_name(stats.get(), static_cast<guint>(i));
        fields[name] = g_type_name(gst_structure_get_field_type(stats.get(), name));
    }
    return fields;
}

class Properties : public GstTest {
  protected:
    Pipeline writer_{"ndshsink name=sink"};
    Pipeline reader_{"ndshsrc name=src ! fakesink"};
    GstElement* sink_ = writer_["sink"];
    GstElement* src_ = reader_["src"];
};

TEST_F(Properties, SinkHasThese) {
    expect_properties(sink_, {{"tag", {"gchararray", ""}},
                              {"slots", {"guint", "0"}},
                              {"permissions", {"guint", "384"}},
                              {"backpressure", {"gboolean", "false"}},
                              {"wait-for-reader", {"gboolean", "false"}},
                              {"compat", {"gboolean", "false"}},
                              {"num-readers", {"guint", "0", false}},
                              {"stats", {"GstStructure", "", false}}});
}

TEST_F(Properties, SourceHasThese) {
    expect_properties(src_, {{"tag", {"gchararray", ""}},
                             {"mode", {"NdshSrcMode", "latest"}},
                             {"timeout", {"guint64", "0"}},
                             {"on-disconnect", {"NdshSrcOnDisconnect", "wait"}},
                             {"on-eos", {"NdshSrcOnEos", "eos"}},
                             {"timestamps", {"NdshSrcTimestamps", "auto"}},
                             {"max-leases", {"guint", "2"}},
                             {"owner", {"gchararray", ""}},
                             {"caps", {"GstCaps", ""}},
                             {"keepalive", {"guint64", "0"}},
                             {"min-latency", {"guint64", "0"}},
                             {"stats", {"GstStructure", "", false}}});
}

TEST_F(Properties, SourceHasTheseChoices) {
    EXPECT_EQ(nicks(src_, "mode"), (std::vector<std::string>{"latest", "every"}));
    EXPECT_EQ(nicks(src_, "on-disconnect"), (std::vector<std::string>{"wait", "eos", "error"}));
    EXPECT_EQ(nicks(src_, "on-eos"), (std::vector<std::string>{"eos", "wait"}));
    EXPECT_EQ(nicks(src_, "timestamps"), (std::vector<std::string>{"auto", "clock", "stream", "arrival"}));
}

TEST_F(Properties, DefaultsAreWhatAFreshElementHas) {
    guint slots = 1, permissions = 0, leases = 0;
    gboolean backpressure = TRUE, wait = TRUE;
    g_object_get(sink_, "slots", &slots, "permissions", &permissions, "backpressure", &backpressure,
                 "wait-for-reader", &wait, nullptr);
    g_object_get(src_, "max-leases", &leases, nullptr);
    EXPECT_EQ(slots, 0U);
    EXPECT_EQ(permissions, 0600U);
    EXPECT_FALSE(backpressure);
    EXPECT_FALSE(wait);
    EXPECT_EQ(leases, 2U);
}

TEST_F(Properties, StatsOfTheSinkHaveTheseFields) {
    EXPECT_EQ(stats_fields(sink_), (std::map<std::string, std::string>{{"published", "guint64"},
                                                                       {"dropped", "guint64"},
                                                                       {"zero-copied", "guint64"},
                                                                       {"copied", "guint64"},
                                                                       {"metas-dropped", "guint64"},
                                                                       {"reclaimed", "guint64"},
                                                                       {"generation", "guint"},
                                                                       {"segment", "gchararray"},
                                                                       {"readers", "guint"}}));
}

TEST_F(Properties, StatsOfTheSourceHaveTheseFields) {
    EXPECT_EQ(stats_fields(src_), (std::map<std::string, std::string>{{"frames", "guint64"},
                                                                      {"missed", "guint64"},
                                                                      {"copied", "guint64"},
                                                                      {"metas-dropped", "guint64"},
                                                                      {"generation", "guint"},
                                                                      {"segment", "gchararray"},
                                                                      {"reconnects", "guint64"},
                                                                      {"latency-ns", "guint64"},
                                                                      {"repeated", "guint64"}}));
}

TEST_F(Properties, TagThatWasSetIsThere) {
    g_object_set(sink_, "tag", "cam0", nullptr);
    char* tag = nullptr;
    g_object_get(sink_, "tag", &tag, nullptr);
    EXPECT_STREQ(gst::Owned<char>(tag).get(), "cam0");
    g_object_set(sink_, "tag", nullptr, nullptr);
    g_object_get(sink_, "tag", &tag, nullptr);
    EXPECT_EQ(tag, nullptr);
}

TEST_F(Properties, WhatIsSetInReadyCounts) {
    g_object_set(sink_, "tag", "before", nullptr);
    ASSERT_TRUE(writer_.reaches(GST_STATE_READY));
    g_object_set(sink_, "tag", "after", "permissions", 0640U, nullptr);
    ASSERT_TRUE(writer_.set_state(GST_STATE_PAUSED));
    EXPECT_EQ(directory_.entries(), (std::vector<std::string>{"ndsh.after", "ndsh.after.readers"}));
    const auto mode = std::filesystem::status(directory_.path() / "ndsh.after").permissions();
    EXPECT_EQ(static_cast<unsigned>(mode), 0640U);
}

TEST_F(Properties, LatencyAndGenerationAreCountedWhilePlaying) {
    Pipeline writer(writing("wait-for-reader=true"));
    Pipeline reader(reading("mode=every"));
    writer.play();
    reader.play();
    for (unsigned i = 0; i < 3; ++i) {
        ASSERT_TRUE(push_random(writer["in"], caps_, i));
        ASSERT_TRUE(pull(reader["out"]));
    }
    EXPECT_EQ(counter(reader["src"], "frames"), 3U);
    EXPECT_EQ(counter(reader["src"], "missed"), 0U);
    EXPECT_GT(counter(reader["src"], "latency-ns"), 0U);
    EXPECT_EQ(counter(reader["src"], "generation"), counter(writer["sink"], "generation"));
    EXPECT_EQ(counter(writer["sink"], "readers"), 1U);
}

TEST_F(Properties, ReadersThatComeAndGoWhileTheSinkIsIdleAreNotified) {
    Pipeline writer(writing());
    std::atomic<unsigned> notified = 0;
    const auto on_notify = +[](GObject* object, GParamSpec*, gpointer data) {
        guint readers = 0;
        g_object_get(object, "num-readers", &readers, nullptr);  // from the notification itself
        *static_cast<std::atomic<unsigned>*>(data) = readers + 1;
    };
    g_signal_connect(writer["sink"], "notify::num-readers", G_CALLBACK(on_notify), &notified);
    writer.play();
    {
        Pipeline reader(reading());
        reader.play();
        EXPECT_TRUE(wait_until([&] { return notified == 2U; }));
        Pipeline second(reading());
        second.play();
        EXPECT_TRUE(wait_until([&] { return notified == 3U; }));
    }
    EXPECT_TRUE(wait_until([&] { return notified == 1U; }));
}

/// Stops a pipeline in the handler that hears of its first reader, and says so. In a process of its own, for
/// one that hangs can only be killed.
int stop_in_handler(Channel& channel, const Arguments& arguments) {
    static std::atomic<bool> stopped = false;
    Pipeline writer("videotestsrc ! video/x-raw,width=64,height=48 ! ndshsink name=sink tag=" +
                    arguments.at(0));
    const auto on_notify = +[](GObject*, GParamSpec*, gpointer pipeline) {
        gst_element_set_state(static_cast<GstElement*>(pipeline), GST_STATE_NULL);
        stopped = true;
    };
    g_signal_connect(writer["sink"], "notify::num-readers", G_CALLBACK(on_notify), writer.get());
    writer.play();
    Pipeline reader("ndshsrc tag=" + arguments.at(0) + " ! fakesink");
    reader.play();
    wait_until([] { return stopped.load(); });
    channel.send(stopped ? "stopped" : "still in the handler");
    return 0;
}
const RegisteredRole stop_in_handler_role("stop_in_handler", stop_in_handler);

TEST_F(Properties, HandlerOfNumReadersMayStopThePipeline) {
    ChildProcess process("stop_in_handler", {tag_});
    ASSERT_EQ(process.channel().receive(2 * std::chrono::milliseconds(patience)), "stopped");
    EXPECT_EQ(process.wait_for_exit(), 0);
}

TEST_F(Properties, ReadersThatWaitedForTheSinkAreCounted) {
    Pipeline reader(reading());
    reader.play();
    for (int round = 0; round < 20; ++round) {
        Pipeline writer(writing());
        writer.play();
        ASSERT_TRUE(has_readers(writer["sink"], 1)) << round;
        EXPECT_TRUE(wait_until([&] { return num_readers(writer["sink"]) == 1; }, 1s)) << round;
    }
}

/// Calls everything again and again, each in a thread of its own, until destroyed.
class Threads {
  public:
    explicit Threads(const std::vector<std::function<void(unsigned)>>& calls) : rounds_(calls.size()) {
        for (std::size_t i = 0; i < calls.size(); ++i)
            threads_.emplace_back([this, i, call = calls[i]](const std::stop_token& stop) {
                while (!stop.stop_requested())
                    call(rounds_[i]++);
            });
    }

    /// Whether each was called so often.
    bool reach(unsigned rounds) {
        return wait_until([&] {
            return std::all_of(rounds_.begin(), rounds_.end(), [&](const auto& r) { return r >= rounds; });
        });
    }

  private:
    std::vector<std::atomic<unsigned>> rounds_;
    std::vector<std::jthread> threads_;
};

TEST_F(Properties, AreSafeFromAnyThreadWhilePlaying) {
    Pipeline writer("videotestsrc ! video/x-raw,width=32,height=24 ! ndshsink name=sink sync=false tag=cam0");
    Pipeline other("videotestsrc ! video/x-raw,width=16,height=24 ! ndshsink sync=false tag=cam1");
    Pipeline reader("ndshsrc name=src tag=cam0 on-eos=wait ! fakesink sync=false");
    GstElement* sink = writer["sink"];
    GstElement* src = reader["src"];
    writer.play();
    other.play();
    reader.play();
    {
        const gst::Owned<GstCaps> caps(gst_caps_from_string("video/x-raw,format=GRAY8"));
        Threads threads({
            [&](unsigned round) { g_object_set(src, "tag", round % 2 ? "cam1" : "cam0", nullptr); },
            [&](unsigned round) { g_object_set(src, "timestamps", static_cast<int>(round % 4), nullptr); },
            [&](unsigned round) { g_object_set(src, "caps", round % 2 ? caps.get() : nullptr, nullptr); },
            [&](unsigned) { counter(src, "frames"); },
            [&](unsigned) { counter(sink, "published"); },
            [&](unsigned round) { g_object_set(sink, "slots", 3 + round % 8, nullptr); },
            [&](unsigned) { num_readers(sink); },
        });
        EXPECT_TRUE(threads.reach(300));
    }
    g_object_set(src, "tag", "cam0", nullptr);
    const auto frames = counter(src, "frames");
    EXPECT_TRUE(wait_until([&] { return counter(src, "frames") > frames + 10; }));
    EXPECT_EQ(reader.error(0s).sentence, "");
    EXPECT_EQ(writer.error(0s).sentence, "");
}

}  // namespace
}  // namespace ndsharray::test
