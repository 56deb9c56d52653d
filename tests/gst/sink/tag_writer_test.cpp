// SPDX-License-Identifier: BSD-3-Clause
// What ndshsink writes its tag with.
#include "gst_test.hpp"

#include "sink/tag_writer.hpp"

namespace ndsharray::test {
namespace {

using TagWriterTest = GstTest;

TEST_F(TagWriterTest, StaysUnlockedUntilAllWhoUnlockedItHaveLockedIt) {
    gst::TagWriter writer;
    writer.open("cam0", {}, {});
    const auto waited = [&] { return writer.writer().wait_for_reader(std::chrono::milliseconds(1)); };
    EXPECT_EQ(waited(), WriteStatus::Timeout);
    writer.unlock();  // a flush
    writer.unlock();  // a change of state
    EXPECT_EQ(waited(), WriteStatus::Cancelled);
    writer.lock();
    EXPECT_TRUE(writer.unlocked());
    EXPECT_EQ(waited(), WriteStatus::Cancelled);
    writer.lock();
    EXPECT_FALSE(writer.unlocked());
    EXPECT_EQ(waited(), WriteStatus::Timeout);
    writer.lock();  // of a tag that was opened again meanwhile
    writer.unlock();
    EXPECT_EQ(waited(), WriteStatus::Cancelled);
    writer.close();
}

}  // namespace
}  // namespace ndsharray::test
