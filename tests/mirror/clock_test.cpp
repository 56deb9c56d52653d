// SPDX-License-Identifier: BSD-3-Clause
// The other machine's clock: the estimate is within its uncertainty, and times stay in order when it moves.
#include <clock_offset.hpp>

#include <ndsharray/frame_info.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace ndsharray::mirror::test {
namespace {

constexpr std::int64_t ms = 1'000'000, second = 1000 * ms;

TEST(ClockOffset, IsUnknownBeforeTheFirstPing) {
    EXPECT_FALSE(ClockOffset().estimate(0));
}

TEST(ClockOffset, IsWithinItsUncertaintyHoweverUnevenTheWayIs) {
    std::minstd_rand random(7);
    std::uniform_int_distribution<std::int64_t> way(ms / 10, 40 * ms);
    for (const std::int64_t truth : {std::int64_t{0}, -5 * second, 123456 * second}) {
        ClockOffset offset;
        std::int64_t now = 1000 * second;
        for (int i = 0; i < 200; ++i) {
            const std::int64_t there = way(random), back = way(random), answering = ms / 5;
            offset.add(now, now + there + truth, now + there + answering + truth,
                       now + there + answering + back);
            now += 500 * ms;
            const auto estimate = offset.estimate(now);
            ASSERT_TRUE(estimate);
            EXPECT_LE(std::abs(estimate->offset - truth), estimate->uncertainty);
        }
        EXPECT_LT(offset.estimate(now)->uncertainty, 15 * ms) << "the quickest pings count";
    }
}

TEST(ClockOffset, GetsUncertainWithAge) {
    ClockOffset offset;
    offset.add(0, 0, 0, 2 * ms);
    EXPECT_EQ(offset.estimate(2 * ms)->uncertainty, ms);
    EXPECT_GE(offset.estimate(100 * second)->uncertainty, 2 * ms);
}

TEST(ClockOffset, IsKnownAnewWithTheFirstPingAfterTheOtherClockWasSet) {
    for (const std::int64_t step : {-second, -30 * ms, 2 * ms, 300 * ms}) {
        ClockOffset offset;
        std::int64_t now = 0;
        for (int i = 0; i < 20; ++i, now += 500 * ms)
            offset.add(now, now + ms / 10, now + ms / 10, now + ms / 5);
        EXPECT_EQ(offset.estimate(now)->offset, 0);
        offset.add(now, now + ms + step, now + ms + step, now + 2 * ms);
        const auto estimate = offset.estimate(now + 2 * ms);
        EXPECT_LE(std::abs(estimate->offset - step), estimate->uncertainty) << step;
    }
}

TEST(ClockOffset, IsWithinItsUncertaintyOfAClockThatNtpSlews) {
    ClockOffset offset;
    for (std::int64_t now = 0; now < 100 * second; now += 500 * ms) {
        const auto truth = [](std::int64_t time) { return 100 * second + time / 2100; };  // 476 ppm
        const std::int64_t way = now % second == 0 ? ms / 10 : 20 * ms;
        offset.add(now, now + way + truth(now + way), now + way + truth(now + way), now + 2 * way);
        for (const std::int64_t at : {now + 2 * way, now + 500 * ms}) {
            const auto estimate = offset.estimate(at);
            EXPECT_LE(std::abs(estimate->offset - truth(at)), estimate->uncertainty) << at;
        }
    }
}

TEST(ClockOffset, PingsThatNoClockGivesAreNotTaken) {
    constexpr auto least = std::numeric_limits<std::int64_t>::min(),
                   most = std::numeric_limits<std::int64_t>::max();
    ClockOffset offset;
    for (const auto& [received, answered] : {std::pair{most, most},
                                             {least, least},
                                             {least, most},
                                             {most, least},
                                             {std::int64_t{5}, std::int64_t{4}},
                                             {std::int64_t{0}, 10 * second}})
        offset.add(0, received, answered, second);
    EXPECT_FALSE(offset.estimate(second));
}

TEST(NearTimes, AreTheFarOnesByTheOffset) {
    NearTimes times;
    times.follow({5 * second, ms}, 0);
    EXPECT_EQ(times.at(7 * second), 2 * second);
    EXPECT_EQ(times.at(no_time), no_time);
}

TEST(NearTimes, StayInOrderHoweverTheEstimateMoves) {
    std::minstd_rand random(3);
    std::uniform_int_distribution<std::int64_t> wrong(-20 * ms, 20 * ms), pause(0, 2 * second);
    NearTimes times;
    NearTimes::Sequence pts;
    std::int64_t now = 0, last = std::numeric_limits<std::int64_t>::min();
    for (int frame = 1; frame < 2000; ++frame) {
        times.follow({100 * second + wrong(random), ms}, now += pause(random));
        const std::int64_t near = times.next(pts, 100 * second + frame * 16 * ms);
        EXPECT_GT(near, last);
        EXPECT_LT(std::abs(near - frame * 16 * ms), 45 * ms);
        last = near;
    }
    EXPECT_EQ(times.next(pts, no_time), no_time);
}

TEST(NearTimes, FollowSlowlyButFromAClockThatIsAnotherOneAtOnce) {
    NearTimes times;
    times.follow({0, ms}, 0);
    times.follow({10 * ms, ms}, 100 * ms);
    EXPECT_EQ(times.applied_offset(), ms) << "1 % of what passed";
    times.follow({10 * ms, ms}, 10 * second);
    EXPECT_EQ(times.applied_offset(), 10 * ms);
    times.follow({-50 * second, ms}, 10 * second + ms);
    EXPECT_EQ(times.applied_offset(), -50 * second);
}

}  // namespace
}  // namespace ndsharray::mirror::test
