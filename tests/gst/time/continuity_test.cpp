// SPDX-License-Identifier: BSD-3-Clause
// Time of ndshsrc never runs back, whatever the writer, the states and the application do.
#include "gst_test.hpp"

#include <ndsharray/tag_info.hpp>
#include <ndsharray/writer.hpp>

#include <array>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "pad_watch.hpp"
#include "remote_pipeline.hpp"

namespace ndsharray::test {
namespace {

std::string showing(const std::string& properties) {
    return "ndshsrc name=src tag=cam0 " + properties +
           " ! fakesink sync=false async=false enable-last-sample=false";
}

class Continuity : public GstTest {
  protected:
    std::uint64_t published(const std::string& tag = "cam0") const { return inspect(tag).published; }
};

class Pause : public Continuity, public ::testing::WithParamInterface<const char*> {};

/// As from a camera: what it saw meanwhile is gone, and that is told.
TEST_P(Pause, OfALiveStreamLeavesNothingToCatchUpWith) {
    RemotePipeline camera(filming("cam0"));
    Pipeline reader(showing(GetParam()));
    PadWatch watch(reader["src"], "src");
    reader.play();
    ASSERT_TRUE(watch.reaches(3));
    for (int pause = 0; pause < 10; ++pause) {
        ASSERT_TRUE(reader.reaches(GST_STATE_PAUSED));
        const std::uint64_t newest_seen = published();
        const std::uint64_t first_unseen = newest_seen + 3 + static_cast<unsigned>(pause) % 5;
        ASSERT_TRUE(wait_until([&] { return published() >= first_unseen; }));
        const std::size_t passed = watch.count();
        const std::uint64_t seen_by_nobody = published();
        reader.play();
        ASSERT_TRUE(watch.reaches(passed + 2));
        const std::vector<Passed> after = watch.all(passed);
        // videotestsrc counts from 0, frames count from 1. A frame that was taken before the pause passes the
        // pad after it if the thread got no processor in between, as from each live source.
        const bool was_on_the_way = after[0].offset + 1 <= newest_seen;
        const Passed& next = after[was_on_the_way ? 1 : 0];
        EXPECT_GE(next.offset + 1, seen_by_nobody) << "captured while the source was paused";
        EXPECT_TRUE(next.is_discont);
    }
    EXPECT_TRUE(never_runs_back(watch.all()));
    EXPECT_GE(counter(reader["src"], "missed"), 20U) << "skipped frames are counted";
    camera.stop();
}

INSTANTIATE_TEST_SUITE_P(Modes, Pause,
                         ::testing::Values("mode=latest", "mode=every", "mode=every timestamps=stream",
                                           "mode=latest timestamps=arrival"));

/// What was captured during a pause and published just after it has no time of its own left in the reader's
/// pipeline: it would come a nanosecond after the last one, which files cannot express.
TEST_F(Continuity, FrameCapturedInAPauseAndPublishedAfterItIsNotSent) {
    Writer camera("cam0");
    const std::array<std::uint64_t, 2> shape{24, 40};
    camera.configure(ArraySpec::contiguous(DType::UInt8, shape));
    const auto publish = [&](std::int64_t captured) {
        FrameInfo info;
        info.pts = captured;
        return camera.publish(camera.acquire(), info);
    };
    const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };
    Pipeline reader(showing("mode=every"));
    PadWatch watch(reader["src"], "src");
    reader.play();
    ASSERT_TRUE(wait_until([&] { return camera.stats().readers == 1; }));
    publish(now());
    ASSERT_TRUE(watch.reaches(1));
    ASSERT_TRUE(reader.reaches(GST_STATE_PAUSED));
    const std::int64_t in_the_pause = now();
    reader.play();
    ASSERT_TRUE(reader.reaches(GST_STATE_PLAYING));
    publish(in_the_pause);
    const std::int64_t after_it = now();
    publish(after_it);
    ASSERT_TRUE(watch.reaches(2));
    const auto all = watch.all();
    EXPECT_EQ(all[1].pts + gst_element_get_base_time(reader.get()), static_cast<guint64>(after_it));
    EXPECT_TRUE(all[1].is_discont);
}

/// A writer that waits has lost nothing: neither has the reader.
TEST_F(Continuity, PauseOfALosslessStreamLosesNothing) {
    RemotePipeline film(
        "videotestsrc num-buffers=60 ! video/x-raw,format=GRAY8,width=40,height=24,framerate=100/1 "
        "! ndshsink sync=false tag=cam0 backpressure=true wait-for-reader=true slots=3");
    Pipeline reader(
        "ndshsrc name=src tag=cam0 mode=every ! fakesink sync=true async=false enable-last-sample=false");
    PadWatch watch(reader["src"], "src");
    reader.play();
    for (std::size_t part = 1; part <= 4; ++part) {
        ASSERT_TRUE(watch.reaches(part * 10));
        ASSERT_TRUE(reader.reaches(GST_STATE_PAUSED));
        reader.play();
    }
    ASSERT_TRUE(reader.ends());
    film.stop();
    const auto all = watch.all();
    ASSERT_EQ(all.size(), 60U);
    for (std::size_t i = 1; i < all.size(); ++i) {
        EXPECT_EQ(all[i].offset, all[i - 1].offset + 1);
        EXPECT_FALSE(all[i].is_discont);
    }
    EXPECT_TRUE(never_runs_back(all));
}

class WriterSeeks : public Continuity, public ::testing::WithParamInterface<const char*> {};

/// To and fro, played forward and in reverse.
TEST_P(WriterSeeks, AndTimeOfTheReaderRunsForward) {
    Pipeline writer(
        "videotestsrc ! video/x-raw,format=GRAY8,width=40,height=24,framerate=100/1 ! ndshsink name=sink "
        "tag=cam0");
    Pipeline reader(showing(GetParam()));
    PadWatch watch(reader["src"], "src");
    reader.play();
    writer.play();
    ASSERT_TRUE(watch.reaches(3));
    for (const bool is_reverse : {true, false, true, true, false, false, true, false}) {
        const std::size_t before = watch.count();
        const gint64 start = is_reverse ? 0 : 2 * GST_SECOND, stop = 5 * GST_SECOND;
        ASSERT_TRUE(gst_element_seek(writer.get(), is_reverse ? -1.0 : 1.0, GST_FORMAT_TIME,
                                     GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, start, GST_SEEK_TYPE_SET, stop));
        ASSERT_TRUE(watch.reaches(before + 8));
    }
    EXPECT_TRUE(never_runs_back(watch.all()));
}

INSTANTIATE_TEST_SUITE_P(Modes, WriterSeeks,
                         ::testing::Values("mode=latest", "mode=every", "mode=every timestamps=stream",
                                           "mode=every timestamps=arrival",
                                           "mode=latest keepalive=15000000"));

/// One reader through a random series of what happens to a source, with two cameras that come and go.
class AnyOrder : public Continuity, public ::testing::WithParamInterface<const char*> {
  protected:
    void happen(std::mt19937& random) {
        using Milliseconds = std::uniform_int_distribution<int>;
        const auto time = std::chrono::milliseconds(Milliseconds(1, 60)(random));
        switch (std::uniform_int_distribution<int>(0, 8)(random)) {
            case 0:
            case 1:
                ASSERT_TRUE(reader_->reaches(GST_STATE_PAUSED));
                std::this_thread::sleep_for(time);  // any length of a pause will do
                reader_->play();
                break;
            case 2:
                gst_element_send_event((*reader_)["src"], gst_event_new_flush_start());
                gst_element_send_event((*reader_)["src"], gst_event_new_flush_stop(time.count() % 2 == 0));
                break;
            case 3:
                tag_ = 1 - tag_;
                g_object_set((*reader_)["src"], "tag", names[tag_], nullptr);
                break;
            case 4:
                cameras_[tag_]->kill();
                restart(tag_);
                break;
            case 5:
                cameras_[tag_]->stop();
                restart(tag_);
                break;
            case 6:
                // Another clock; running time goes on from where it was.
                ASSERT_TRUE(reader_->reaches(GST_STATE_PAUSED));
                use_clock(random() % 2 == 0 ? GST_CLOCK_TYPE_REALTIME : GST_CLOCK_TYPE_MONOTONIC);
                reader_->play();
                break;
            case 7:
                // Set forward or back, as after a suspend, or by hand.
                if (clock_) {
                    gst_clock_set_calibration(clock_.get(), 0, random() % (400 * GST_MSECOND), 1, 1);
                }
                break;
            default:
                std::this_thread::sleep_for(time);
                break;
        }
    }

    void restart(std::size_t tag) {
        cameras_[tag].reset();
        cameras_[tag] = std::make_unique<RemotePipeline>(filming(names[tag]));
    }

    void use_clock(GstClockType type) {
        clock_.reset(
            GST_CLOCK(gst_object_ref_sink(g_object_new(GST_TYPE_SYSTEM_CLOCK, "clock-type", type, nullptr))));
        gst_pipeline_use_clock(GST_PIPELINE(reader_->get()), clock_.get());
    }

    static constexpr std::array<const char*, 2> names{"cam0", "cam1"};
    std::array<std::unique_ptr<RemotePipeline>, 2> cameras_;
    gst::Owned<GstClock> clock_;  // of the reader, from when it got one of its own
    std::unique_ptr<Pipeline> reader_;
    std::size_t tag_ = 0;
};

TEST_P(AnyOrder, OfPausesFlushesSwitchesAndRestartsKeepsTimeRunningForward) {
    const char* given = std::getenv("CONTINUITY_SEED");
    const auto seed = given ? static_cast<unsigned>(std::atoi(given)) : std::random_device()();
    std::cout << "CONTINUITY_SEED=" << seed << std::endl;
    std::mt19937 random(seed);
    restart(0);
    restart(1);
    reader_ = std::make_unique<Pipeline>(showing(GetParam()));
    PadWatch watch((*reader_)["src"], "src");
    reader_->play();
    ASSERT_TRUE(watch.reaches(1));
    for (int event = 0; event < 25; ++event) {
        happen(random);
        if (HasFatalFailure()) {
            return;
        }
        const std::size_t before = watch.count();
        ASSERT_TRUE(watch.reaches(before + 1 + random() % 3)) << "no frame after event " << event;
    }
    EXPECT_TRUE(never_runs_back(watch.all()));
    for (const auto& camera : cameras_) {
        camera->stop();
    }
}

INSTANTIATE_TEST_SUITE_P(Modes, AnyOrder,
                         ::testing::Values("mode=latest", "mode=every", "mode=every timestamps=stream",
                                           "mode=every timestamps=arrival",
                                           "mode=latest keepalive=15000000"));

}  // namespace
}  // namespace ndsharray::test
