// SPDX-License-Identifier: BSD-3-Clause
// A frame with a wrong PTS, hours ahead or ago, holds back neither itself nor the frames after it.
#include "gst_test.hpp"

#include <ndsharray/writer.hpp>

#include <support/child_process.hpp>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <random>
#include <sstream>

#include "instant.hpp"
#include "pad_watch.hpp"

namespace ndsharray::test {
namespace {

constexpr Instant hour = 3600 * second;

/// The largest or smallest instant if the sum does not fit.
Instant sum(Instant a, Instant b) {
    Instant result = 0;
    if (!__builtin_add_overflow(a, b, &result))
        return result;
    return b > 0 ? std::numeric_limits<Instant>::max() : std::numeric_limits<Instant>::min() + 1;
}

void configure(Writer& writer) {
    const std::array<std::uint64_t, 2> shape{24, 40};
    writer.configure(ArraySpec::contiguous(DType::UInt8, shape));
}

/// Publishes frames. A message "OFFSET ERROR DURATION" is one: how wrong its PTS is, and how long it lasts.
int film(Channel& channel, const Arguments& arguments) {
    Writer camera(arguments.at(0));
    configure(camera);
    const Instant start = monotonic_now();
    for (std::optional<std::string> message;
         (message = channel.receive(std::nullopt)) && *message != "stop";) {
        FrameInfo info;
        Instant error = 0;
        std::istringstream(*message) >> info.offset >> error >> info.duration;
        const Instant captured = monotonic_now();
        info.pts = info.dts = sum(captured, error);
        info.stream_pts = info.stream_dts = sum(captured - start, error);
        camera.publish(camera.acquire(), info);
        channel.send(std::to_string(captured));
    }
    return 0;
}
const RegisteredRole film_role("film_far_times", film);

/// A camera in another process.
class Camera {
  public:
    explicit Camera(const std::string& tag) : process_("film_far_times", {tag}) {}

    /// \returns when the frame was captured.
    Instant publish(std::uint64_t offset, Instant error, Instant duration = second / 100) {
        std::ostringstream message;
        message << offset << ' ' << error << ' ' << duration;
        process_.channel().send(message.str());
        return std::stoll(process_.channel().receive().value());
    }

    void stop() {
        process_.channel().send("stop");
        EXPECT_EQ(process_.wait_for_exit(), 0);
    }

  private:
    ChildProcess process_;
};

/// The first buffer with this offset.
Passed with_offset(const PadWatch& watch, std::uint64_t offset) {
    Passed result;
    EXPECT_TRUE(watch.sees([&](const Passed& passed) {
        const bool is_it = passed.offset == offset;
        if (is_it)
            result = passed;
        return is_it;
    })) << "frame "
        << offset << " did not come";
    return result;
}

class FarTimes : public GstTest {
  protected:
    static std::string showing(const std::string& properties) {
        return "ndshsrc name=src tag=cam0 " + properties +
               " ! fakesink sync=true async=false enable-last-sample=false";
    }
};

class InAllModes : public FarTimes, public ::testing::WithParamInterface<const char*> {};

TEST_P(InAllModes, NeitherTheFrameNorThoseAfterItAreHeldBack) {
    const char* given = std::getenv("FAR_TIMES_SEED");
    const auto seed = given ? static_cast<unsigned>(std::atoi(given)) : std::random_device()();
    std::cout << "FAR_TIMES_SEED=" << seed << std::endl;
    std::mt19937 random(seed);
    constexpr std::array<Instant, 8> errors{2 * hour,
                                            -2 * hour,
                                            1000 * hour,
                                            -1000 * hour,
                                            200'000 * hour,
                                            -200'000 * hour,
                                            std::numeric_limits<Instant>::max(),
                                            std::numeric_limits<Instant>::min() + 1};
    Pipeline reader(showing(GetParam()));
    PadWatch watch(reader["src"], "src");
    reader.play();
    Camera camera("cam0");
    for (std::uint64_t offset = 0; offset < 40; ++offset) {
        const bool is_wrong = random() % 3 == 0;
        const Instant error = is_wrong ? errors[random() % errors.size()] : 0;
        const Instant duration = is_wrong && random() % 2 == 0 ? hour : second / 100;
        const Instant captured = camera.publish(offset, error, duration);
        const Passed passed = with_offset(watch, offset);
        ASSERT_FALSE(HasFailure()) << "an error of " << error << " ns";
        const auto shown = static_cast<Instant>(passed.running_time + reader.base_time());
        ASSERT_LT(shown - captured, second) << "frame " << offset << ", an error of " << error << " ns";
    }
    EXPECT_TRUE(never_runs_back(watch.all()));
    camera.stop();
}

INSTANTIATE_TEST_SUITE_P(Modes, InAllModes,
                         ::testing::Values("mode=latest", "mode=every", "mode=every timestamps=stream",
                                           "mode=latest timestamps=stream", "mode=every timestamps=arrival",
                                           "mode=latest keepalive=15000000",
                                           "mode=every timestamps=stream keepalive=15000000"));

TEST_F(FarTimes, FramesAfterItHaveTheirOwnTimesAgain) {
    Pipeline reader(showing("mode=every"));
    PadWatch watch(reader["src"], "src");
    reader.play();
    Camera camera("cam0");
    std::uint64_t offset = 0;
    for (const Instant error :
         {Instant{0}, 5 * hour, Instant{0}, -5 * hour, Instant{0}, 5 * hour, 9 * hour}) {
        camera.publish(offset, error);
        with_offset(watch, offset++);
        const Instant captured = camera.publish(offset, 0);
        const Passed passed = with_offset(watch, offset++);
        ASSERT_FALSE(HasFailure());
        EXPECT_EQ(static_cast<Instant>(passed.running_time + reader.base_time()), captured);
    }
    camera.stop();
}

TEST_F(FarTimes, AStreamThatIsFarAheadForGoodKeepsItsSteps) {
    Pipeline reader(showing("mode=every timestamps=clock"));
    PadWatch watch(reader["src"], "src");
    reader.play();
    Camera camera("cam0");
    std::vector<Instant> captured;
    for (std::uint64_t offset = 0; offset < 10; ++offset) {
        captured.push_back(camera.publish(offset, 3 * hour));
        with_offset(watch, offset);
        ASSERT_FALSE(HasFailure());
    }
    const auto all = watch.all();
    ASSERT_EQ(all.size(), captured.size());
    for (std::size_t i = 1; i < all.size(); ++i)
        EXPECT_EQ(static_cast<Instant>(all[i].running_time - all[0].running_time), captured[i] - captured[0]);
    camera.stop();
}

TEST_F(FarTimes, SeveralWrongFramesInTurnDoNotPutOffTheRightFrameAfterThem) {
    Pipeline reader(showing("mode=every timestamps=stream"));
    PadWatch watch(reader["src"], "src");
    reader.play();
    Writer camera("cam0");
    configure(camera);
    std::uint64_t offset = 0;
    // All but the first and the last are wrong. The fourth is back behind the third, but not behind the
    // first.
    for (const Instant time : {100 * second, 50 * second, 20 * second, 60 * second, 101 * second}) {
        FrameInfo info;
        info.offset = offset;
        info.stream_pts = time;
        const Instant captured = monotonic_now();
        camera.publish(camera.acquire(), info);
        const Passed passed = with_offset(watch, offset++);
        ASSERT_FALSE(HasFailure());
        EXPECT_LT(static_cast<Instant>(passed.running_time + reader.base_time()) - captured, 10 * second)
            << "the frame of " << time / second << " s";
    }
}

/// Films from a file, whose times the reader gets exactly.
class LosslessTimes : public FarTimes {
  protected:
    /// Running times of the reader.
    std::vector<Instant> carried(const std::vector<Instant>& times) {
        Writer film("cam0", {.backpressure = true});
        configure(film);
        Pipeline reader("ndshsrc name=src tag=cam0 mode=every ! fakesink sync=false async=false");
        PadWatch watch(reader["src"], "src");
        reader.play();
        film.wait_for_reader();
        for (const Instant time : times) {
            FrameInfo info;
            info.stream_pts = time;
            film.publish(film.acquire(), info);
        }
        EXPECT_TRUE(watch.reaches(times.size()));
        std::vector<Instant> result;
        for (const Passed& passed : watch.all())
            result.push_back(static_cast<Instant>(passed.running_time));
        EXPECT_TRUE(strictly_later(watch.all()));
        return result;
    }
};

TEST_F(LosslessTimes, LongStepIsExact) {
    const std::vector<Instant> times{0, second, 5 * hour, 5 * hour + second, 50 * hour};
    const auto result = carried(times);
    ASSERT_EQ(result.size(), times.size());
    for (std::size_t i = 1; i < times.size(); ++i)
        EXPECT_EQ(result[i] - result[0], times[i] - times[0]);
}

TEST_F(LosslessTimes, FrameThatIsFarBackCostsNoMoreThanItsOwnStep) {
    const auto result =
        carried({5 * hour, 5 * hour + second, second, 5 * hour + 2 * second, 5 * hour + 3 * second});
    ASSERT_EQ(result.size(), 5U);
    EXPECT_EQ(result[4] - result[3], second);
    EXPECT_LT(result[3] - result[1], 10 * second);
}

TEST_F(LosslessTimes, SeveralFramesThatAreFarBackCostNoMoreThanTheirOwnSteps) {
    const auto result = carried({5 * hour, 3 * second, second, 4 * second, 5 * hour + second});
    ASSERT_EQ(result.size(), 5U);
    EXPECT_LT(result[4] - result[0], 10 * second);
}

}  // namespace
}  // namespace ndsharray::test
