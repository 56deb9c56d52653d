// SPDX-License-Identifier: BSD-3-Clause
// A Writer that forwards keeps the numbers and times of frames that were published elsewhere.
#include <ndsharray/ndsharray.hpp>

#include <support/temporary_directory.hpp>
#include <support/wait.hpp>

#include <gtest/gtest.h>

namespace ndsharray::test {
namespace {

class Forwarding : public testing::Test {
  protected:
    static WriterOptions forwarding() {
        WriterOptions options;
        options.forwards = true;
        return options;
    }
    std::uint64_t publish(std::uint64_t number, std::int64_t published = no_time) {
        FrameInfo info;
        info.number = number;
        info.published = published;
        return writer_.publish(writer_.acquire(spec_), info);
    }
    Frame read() { return reader_.read(patience); }

    TemporaryDirectory directory_;
    ArraySpec spec_ = ArraySpec::contiguous(DType::UInt8, std::array<std::uint64_t, 1>{8});
    Writer writer_{"forwarded", forwarding()};
    Reader reader_{"forwarded"};
};

TEST_F(Forwarding, KeepsNumbersSoThatReadersSeeWhatIsMissing) {
    EXPECT_EQ(publish(5), 5u);
    EXPECT_EQ(read().number(), 5u);
    EXPECT_EQ(publish(9), 9u);
    const Frame frame = read();
    EXPECT_EQ(frame.number(), 9u);
    EXPECT_EQ(frame.missed(), 3u);
}

TEST_F(Forwarding, KeepsTheTimeSoThatTheAgeIsHonest) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    publish(1, now - 1'000'000'000);
    const Frame frame = read();
    EXPECT_EQ(frame.info().published, now - 1'000'000'000);
    EXPECT_GE(frame.age(), std::chrono::seconds(1));
}

TEST_F(Forwarding, NumbersThatCannotBeBecomeTheNextOne) {
    EXPECT_EQ(publish(5), 5u);
    EXPECT_EQ(publish(5), 6u);
    EXPECT_EQ(publish(2), 7u);
    EXPECT_EQ(publish(std::uint64_t{1} << 49), 8u);
    EXPECT_EQ(publish(0), 9u);
}

TEST_F(Forwarding, TimesThatCannotBeBecomeNow) {
    const auto begin = std::chrono::steady_clock::now().time_since_epoch().count();
    for (const std::int64_t time : {no_time, std::numeric_limits<std::int64_t>::max()}) {
        publish(0, time);
        const std::int64_t published = read().info().published;
        EXPECT_GE(published, begin);
        EXPECT_LE(published, std::chrono::steady_clock::now().time_since_epoch().count());
    }
}

TEST(NotForwarding, WriterGivesItsOwnNumbersAndTimes) {
    const TemporaryDirectory directory;
    Writer writer("own");
    Reader reader("own");
    FrameInfo info;
    info.number = 77;
    info.published = 1;
    const auto spec = ArraySpec::contiguous(DType::UInt8, std::array<std::uint64_t, 1>{8});
    EXPECT_EQ(writer.publish(writer.acquire(spec), info), 1u);
    EXPECT_GT(reader.read(patience).info().published, 1);
}

}  // namespace
}  // namespace ndsharray::test
