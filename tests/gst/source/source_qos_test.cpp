// SPDX-License-Identifier: BSD-3-Clause
// QoS messages of ndshsrc say which frames it could not deliver, and do not flood the bus.
#include "gst_test.hpp"
#include "qos_report.hpp"

namespace ndsharray::test {
namespace {

class SourceQos : public GstTest {
  protected:
    SourceQos() {
        writer_.play();
        reader_.play();
        EXPECT_TRUE(has_readers(writer_["sink"]));
    }

    Sample carried(unsigned number) {
        EXPECT_TRUE(push_random(writer_["in"], caps_, ahead + number));
        return pull(reader_["out"]);
    }

    /// Lets the reader miss `count` frames and read one more.
    Sample after_a_gap(unsigned first, unsigned count) {
        EXPECT_TRUE(reader_.reaches(GST_STATE_PAUSED));
        const auto published = counter(writer_["sink"], "published");
        EXPECT_TRUE(push_random(writer_["in"], caps_, ahead + first, count));
        EXPECT_TRUE(wait_until([&] { return counter(writer_["sink"], "published") == published + count; }));
        EXPECT_TRUE(reader_.reaches(GST_STATE_PLAYING));
        EXPECT_TRUE(push_random(writer_["in"], caps_, ahead + first + count));
        return pull(reader_["out"]);
    }

    /// Frames are captured 20 s from now, so that none was captured in a pause, however slow the machine is.
    static constexpr unsigned ahead = 500;

    Pipeline writer_{writing()};
    Pipeline reader_{"ndshsrc name=src tag=cam0 ! appsink name=out sync=false async=false"};
};

TEST_F(SourceQos, GapIsReportedOnceWithTheSumsSoFar) {
    ASSERT_TRUE(carried(1));
    ASSERT_TRUE(carried(2));
    EXPECT_EQ(reader_.message(GST_MESSAGE_QOS, 0s), nullptr);
    const Sample sample = after_a_gap(3, 4);
    ASSERT_EQ(sample.offset(), ahead + 7);
    const auto message = reader_.message(GST_MESSAGE_QOS);
    ASSERT_NE(message, nullptr);
    EXPECT_EQ(GST_MESSAGE_SRC(message.get()), GST_OBJECT(reader_["src"]));
    const QosReport report = qos_report(message.get());
    EXPECT_TRUE(report.is_live);
    EXPECT_EQ(report.format, GST_FORMAT_BUFFERS);
    EXPECT_EQ(report.processed, 3U);
    EXPECT_EQ(report.dropped, 4U);
    EXPECT_EQ(report.timestamp, sample.pts());
    EXPECT_EQ(report.running_time, sample.running_time());
    EXPECT_EQ(report.stream_time, sample.pts());
    EXPECT_EQ(report.duration, frame_length);
    ASSERT_TRUE(carried(8));
    EXPECT_EQ(reader_.message(GST_MESSAGE_QOS, 0s), nullptr);
}

TEST_F(SourceQos, MessagesThatNobodyReadsDoNotPileUp) {
    ASSERT_TRUE(carried(0));
    for (unsigned i = 1; i <= 30; i += 3)
        ASSERT_TRUE(after_a_gap(i, 2));
    const auto unread = reader_.message(GST_MESSAGE_QOS);
    ASSERT_NE(unread, nullptr);
    EXPECT_EQ(qos_report(unread.get()).dropped, 2U);
    EXPECT_EQ(reader_.message(GST_MESSAGE_QOS, 0s), nullptr);
}

TEST_F(SourceQos, WhatWasNotReportedIsInTheNextMessage) {
    ASSERT_TRUE(carried(0));
    ASSERT_TRUE(after_a_gap(1, 2));
    ASSERT_TRUE(after_a_gap(4, 2));
    EXPECT_NE(reader_.message(GST_MESSAGE_QOS), nullptr);
    ASSERT_TRUE(carried(7));
    const auto message = reader_.message(GST_MESSAGE_QOS);
    ASSERT_NE(message, nullptr);
    EXPECT_EQ(qos_report(message.get()).dropped, 4U);
    EXPECT_EQ(qos_report(message.get()).processed, 4U);
}

}  // namespace
}  // namespace ndsharray::test
