// SPDX-License-Identifier: BSD-3-Clause
// Other caps whose frames find no room beside those that readers have not taken: with backpressure the sink
// waits, and can be stopped, paused and flushed meanwhile.
#include "gst_test.hpp"

#include <support/scenes.hpp>
#include <support/small_file_system.hpp>
#include <support/thread_state.hpp>

#include <functional>
#include <string>

#include "remote_pipeline.hpp"

namespace ndsharray::test {
namespace {

constexpr unsigned slots = 3;

const std::string old_caps = caps_text("GRAY8", 1024, 1024);
const std::string new_caps = caps_text("GRAY8", 1024, 1000);

/// A sink that waits for room. The tags are in a file system of their own, so this needs a process of its
/// own.
class Standstill {
  public:
    explicit Standstill(const std::string& tag)
        : writer_(
              "appsrc name=in format=time ! ndshsink name=sink sync=false backpressure=true "
              "wait-for-reader=true slots=" +
              std::to_string(slots) + " tag=" + tag) {
        writer_.play();
    }

    /// The reader's pipeline plays. \returns whether the sink came to wait, its frames as they were.
    bool begins() {
        published_ = slots + 1;
        return has_readers(sink()) && push_random(writer_["in"], old_caps, 0, published_) &&
               wait_until([this] { return counter(sink(), "published") == published_; }) &&
               push_random(writer_["in"], new_caps, published_) && still_waits();
    }

    bool still_waits() {
        return wait_until(other_threads_are_blocked) && counter(sink(), "published") == published_ &&
               writer_.message(GST_MESSAGE_ERROR, 0s) == nullptr;
    }

    /// Takes frames of the old caps, all of them, and then one of the new. \returns what went wrong.
    std::string taken(GstElement* out, unsigned of_new_caps) const {
        for (unsigned number = 0; number < published_; ++number)
            if (const Sample sample = pull(out);
                !sample || sample.offset() != number || !sample.is_random_frame(old_caps))
                return "frame " + std::to_string(number) + " is lost";
        const Sample sample = pull(out);
        const bool passed = sample && sample.offset() == of_new_caps && sample.is_random_frame(new_caps);
        return passed ? "all passed" : "the new caps did not pass";
    }

    Pipeline& writer() { return writer_; }
    GstElement* sink() { return writer_["sink"]; }
    unsigned waiting_frame() const { return published_; }

  private:
    Pipeline writer_;
    unsigned published_ = 0;
};

std::string in_time(const std::function<void()>& call) {
    return time_of(call) <= unlock_bound ? "in time" : "late";
}

/// What comes of a sink that waits for room while this reader takes nothing.
template <typename Play>
std::string with_reader(const std::string& tag, Play play) {
    Standstill scene(tag);
    Pipeline reader(stuck_reader(tag));
    reader.play();
    return scene.begins() ? play(scene, reader["out"]) : "does not wait";
}

std::string read(Standstill& scene, GstElement* out) {
    return scene.taken(out, scene.waiting_frame());
}

std::string pause(Standstill& scene, GstElement* out) {
    const std::string paused = in_time([&] { scene.writer().set_state(GST_STATE_PAUSED); });
    scene.writer().play();
    if (!scene.still_waits())
        return paused + ", does not go on waiting";
    return paused + ", " + scene.taken(out, scene.waiting_frame());
}

std::string flush(Standstill& scene, GstElement* out) {
    GstElement* in = scene.writer()["in"];
    const std::string flushed = in_time([&] {
        gst_element_send_event(in, gst_event_new_flush_start());
        gst_element_send_event(in, gst_event_new_flush_stop(TRUE));
    });
    const unsigned next = scene.waiting_frame() + 1;
    if (!push_random(in, new_caps, next) || !scene.still_waits())
        return flushed + ", does not go on waiting";
    return flushed + ", " + scene.taken(out, next);
}

/// It gives its reader some seconds to take what it has not taken.
std::string stop(Standstill& scene, GstElement* /*out*/) {
    return time_of([&] { scene.writer().set_state(GST_STATE_NULL); }) <= patience ? "stopped" : "late";
}

std::string kill_reader(const std::string& tag) {
    Standstill scene(tag);
    RemotePipeline reader(stuck_reader(tag));
    if (!scene.begins())
        return "does not wait";
    reader.kill();
    if (!wait_until([&] { return counter(scene.sink(), "published") == scene.waiting_frame() + 1; }))
        return "waits for the dead";
    return "goes on";
}

/// A scene, where there is little room.
template <auto play>
std::string in_little_room(const std::string& tag) {
    gst_init(nullptr, nullptr);
    return mount_small_file_system("5m") ? play(tag) : "not permitted";
}

template <auto play>
std::string with_reader_in_little_room(const std::string& tag) {
    return in_little_room<[](const std::string& its_tag) { return with_reader(its_tag, play); }>(tag);
}

}  // namespace

const RegisteredScenes tight_caps_scenes({
    {"mount", in_little_room<[](const std::string&) { return std::string("mounted"); }>},
    {"read", with_reader_in_little_room<read>},
    {"pause", with_reader_in_little_room<pause>},
    {"flush", with_reader_in_little_room<flush>},
    {"stop", with_reader_in_little_room<stop>},
    {"kill reader", in_little_room<kill_reader>},
});

namespace {

class TightCaps : public GstTest {
  protected:
    void SetUp() override {
        if (outcome_of("mount") == "not permitted")
            GTEST_SKIP() << "it takes root to mount a small file system";
    }

    std::string outcome_of(const std::string& scene) const {
        const Outcome outcome = test::outcome_of(scene, tag_);
        EXPECT_EQ(outcome.exit_code, 0);
        return outcome.said;
    }
};

TEST_F(TightCaps, PassOnceReadersHaveTakenTheFramesBefore) {
    EXPECT_EQ(outcome_of("read"), "all passed");
}

TEST_F(TightCaps, WaitOnAfterAPause) {
    EXPECT_EQ(outcome_of("pause"), "in time, all passed");
}

TEST_F(TightCaps, AreWaitedForAnewAfterAFlush) {
    EXPECT_EQ(outcome_of("flush"), "in time, all passed");
}

TEST_F(TightCaps, DoNotKeepTheSinkFromStopping) {
    EXPECT_EQ(outcome_of("stop"), "stopped");
}

TEST_F(TightCaps, PassOnceTheReaderIsKilled) {
    EXPECT_EQ(outcome_of("kill reader"), "goes on");
}

}  // namespace
}  // namespace ndsharray::test
