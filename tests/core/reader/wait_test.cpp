// SPDX-License-Identifier: BSD-3-Clause
// Waiting: timeouts, cancelling from another thread, and costing nothing meanwhile.
#include "core_test.hpp"
#include "remote.hpp"

#include <support/background_call.hpp>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <utility>

namespace ndsharray::test {
namespace {

class ReaderWait : public CoreTest {
  protected:
    /// Starts a read() that waits for ever, cancels it. \returns how long it took to come back.
    std::chrono::nanoseconds time_to_cancel() {
        BackgroundCall<Frame> reading([this] { return reader_.read(); }, [this] { reader_.cancel(); });
        EXPECT_TRUE(reading.blocks());
        const auto start = Clock::now();
        reader_.cancel();
        EXPECT_EQ(reading.result().status(), ReadStatus::Cancelled);
        return reading.returned() - start;
    }

    /// How often threads of this process went to sleep in one second in which read() waits.
    std::uint64_t wakeups_while_idle() {
        BackgroundCall<Frame> reading([this] { return reader_.read(2 * patience); });
        EXPECT_TRUE(reading.blocks());
        std::this_thread::sleep_for(300ms);  // what the attaching of a moment ago still has to do
        const auto before = voluntary_switches_of_other_threads();
        std::this_thread::sleep_for(1s);  // the time that is measured
        const auto after = voluntary_switches_of_other_threads();
        reader_.cancel();
        EXPECT_EQ(reading.result().status(), ReadStatus::Cancelled);
        return after - before;
    }

    static constexpr std::uint64_t a_couple = 2;

    Reader reader_{tag_};
};

TEST_F(ReaderWait, OfNothingJustLooks) {
    const auto start = Clock::now();
    EXPECT_EQ(reader_.read(0ns).status(), ReadStatus::Timeout);
    EXPECT_LT(Clock::now() - start, with_tolerance(100ms));
}

TEST_F(ReaderWait, OfLessThanNothingJustLooks) {
    EXPECT_EQ(reader_.read(-1s).status(), ReadStatus::Timeout);
    EXPECT_EQ(reader_.read(std::chrono::nanoseconds::min()).status(), ReadStatus::Timeout);
}

TEST_F(ReaderWait, LastsAsLongAsAsked) {
    const auto start = Clock::now();
    EXPECT_EQ(reader_.read(80ms).status(), ReadStatus::Timeout);
    const auto took = Clock::now() - start;
    EXPECT_GE(took, 80ms);
    EXPECT_LT(took, 80ms + with_tolerance(100ms));
}

TEST_F(ReaderWait, ForAnIdleWriterLastsAsLongAsAsked) {
    Writer writer(tag_);
    write_pattern(writer, spec_);
    ASSERT_TRUE(reader_.read(in_time));
    const auto start = Clock::now();
    EXPECT_EQ(reader_.read(80ms).status(), ReadStatus::Timeout);
    const auto took = Clock::now() - start;
    EXPECT_GE(took, 80ms);
    EXPECT_LT(took, 80ms + with_tolerance(100ms));
}

TEST_F(ReaderWait, OfTheLongestTimeEndsWithAFrame) {
    Writer writer(tag_);
    ASSERT_TRUE(attach(reader_));
    BackgroundCall<Frame> reading([this] { return reader_.read(std::chrono::nanoseconds::max()); },
                                  [this] { reader_.cancel(); });
    ASSERT_TRUE(reading.blocks());
    write_pattern(writer, spec_);
    EXPECT_TRUE(reading.result());
}

TEST_F(ReaderWait, WithoutAWriterIsCancelledWithin100ms) {
    EXPECT_LE(time_to_cancel(), with_tolerance(100ms));
}

TEST_F(ReaderWait, ForTheFirstFrameIsCancelledWithin100ms) {
    Writer writer(tag_);
    ASSERT_TRUE(attach(reader_));
    EXPECT_LE(time_to_cancel(), with_tolerance(100ms));
}

TEST_F(ReaderWait, ForAnIdleWriterIsCancelledWithin100ms) {
    Writer writer(tag_);
    write_pattern(writer, spec_);
    ASSERT_TRUE(reader_.read(in_time));
    EXPECT_LE(time_to_cancel(), with_tolerance(100ms));
}

TEST_F(ReaderWait, AfterTheWritersDeathIsCancelledWithin100ms) {
    RemoteWriter writer(tag_);
    writer.write();
    ASSERT_TRUE(reader_.read(in_time));
    writer.kill();
    ASSERT_EQ(reader_.read(in_time).status(), ReadStatus::Disconnected);
    EXPECT_LE(time_to_cancel(), with_tolerance(100ms));
    Writer clears_away(tag_);
}

TEST_F(ReaderWait, AfterTheEndOfStreamIsCancelledWithin100ms) {
    Writer writer(tag_);
    write_pattern(writer, spec_);
    ASSERT_TRUE(reader_.read(in_time));
    writer.end_of_stream();
    ASSERT_EQ(reader_.read(in_time).status(), ReadStatus::EndOfStream);
    EXPECT_LE(time_to_cancel(), with_tolerance(100ms));
}

TEST_F(ReaderWait, IsCancelledUntilResumed) {
    Writer writer(tag_);
    write_pattern(writer, spec_);
    reader_.cancel();
    EXPECT_EQ(reader_.read().status(), ReadStatus::Cancelled);
    EXPECT_EQ(reader_.read(0ns).status(), ReadStatus::Cancelled);
    reader_.resume();
    EXPECT_TRUE(reader_.read(in_time));
}

TEST_F(ReaderWait, LosesNothingByACancel) {
    Writer writer(tag_, {.backpressure = true});
    Reader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader));
    write_pattern(writer, spec_);
    reader.cancel();
    EXPECT_EQ(reader.read().status(), ReadStatus::Cancelled);
    reader.resume();
    EXPECT_EQ(reader.read(in_time).number(), 1U);
}

TEST_F(ReaderWait, WithoutAWriterMakesNoWakeups) {
    EXPECT_LE(wakeups_while_idle(), a_couple);
}

TEST_F(ReaderWait, ForAnIdleWriterMakesNoWakeups) {
    RemoteWriter writer(tag_);
    writer.write();
    ASSERT_TRUE(reader_.read(in_time));
    EXPECT_LE(wakeups_while_idle(), a_couple);
    writer.close();
}

TEST_F(ReaderWait, AfterTheWritersDeathMakesNoWakeups) {
    RemoteWriter writer(tag_);
    writer.write();
    ASSERT_TRUE(reader_.read(in_time));
    writer.kill();
    ASSERT_EQ(reader_.read(in_time).status(), ReadStatus::Disconnected);
    EXPECT_LE(wakeups_while_idle(), a_couple);
    Writer clears_away(tag_);
}

TEST_F(ReaderWait, WithoutADirectoryMakesNoWakeups) {
    // Its parent is this test's own. In the parent of that one other tests make and remove directories.
    ::setenv("NDSHARRAY_DIR", (directory_.path() / "missing").c_str(), 1);
    reader_ = Reader(tag_);
    EXPECT_LE(wakeups_while_idle(), a_couple);
}

class WriterWait : public CoreTest {
  protected:
    void SetUp() override { ASSERT_TRUE(attach(reader_)); }

    /// Publishes until it would have to wait.
    void fill_up() {
        while (write_pattern(writer_, spec_, 0ns) != 0) {
        }
    }

    /// Cancels a call that waits. \returns how long it took to come back.
    template <typename Result>
    std::chrono::nanoseconds time_to_cancel(std::function<Result()> call) {
        BackgroundCall<Result> calling(std::move(call));
        EXPECT_TRUE(calling.blocks());
        const auto start = Clock::now();
        writer_.cancel();
        result_ = status_of(calling.result());
        return calling.returned() - start;
    }

    static WriteStatus status_of(WriteStatus status) { return status; }
    static WriteStatus status_of(const WritableFrame& frame) { return frame.status(); }

    Writer writer_{tag_, {.backpressure = true}};
    Reader reader_{tag_, in_order()};
    std::optional<WriteStatus> result_;
};

TEST_F(WriterWait, ForASlotLastsAsLongAsAsked) {
    fill_up();
    const auto start = Clock::now();
    EXPECT_EQ(writer_.acquire(80ms).status(), WriteStatus::Timeout);
    const auto took = Clock::now() - start;
    EXPECT_GE(took, 80ms);
    EXPECT_LT(took, 80ms + with_tolerance(100ms));
}

TEST_F(WriterWait, ForASlotIsCancelledWithin100ms) {
    fill_up();
    EXPECT_LE(time_to_cancel<WritableFrame>([this] { return writer_.acquire(patience); }),
              with_tolerance(100ms));
    EXPECT_EQ(result_, WriteStatus::Cancelled);
}

TEST_F(WriterWait, ForASlotGoesOnAfterResume) {
    fill_up();
    writer_.cancel();
    EXPECT_EQ(writer_.acquire().status(), WriteStatus::Cancelled);
    writer_.resume();
    ASSERT_TRUE(reader_.read(in_time));
    EXPECT_TRUE(writer_.acquire(in_time));
}

TEST_F(WriterWait, WhileDrainingIsCancelledWithin100ms) {
    write_pattern(writer_, spec_);
    EXPECT_LE(time_to_cancel<WriteStatus>([this] { return writer_.drain(patience); }), with_tolerance(100ms));
    EXPECT_EQ(result_, WriteStatus::Cancelled);
}

TEST_F(WriterWait, ForTheLastFrameOfTheOldLayoutIsCancelledWithin100ms) {
    write_pattern(writer_, spec_);
    WritableFrame changed = writer_.acquire(bytes_spec(10), 0ns);
    ASSERT_TRUE(changed);
    BackgroundCall<std::uint64_t> publishing([&] { return writer_.publish(std::move(changed)); },
                                             [&] { writer_.cancel(); });
    ASSERT_TRUE(publishing.blocks());
    const auto start = Clock::now();
    writer_.cancel();
    EXPECT_EQ(publishing.result(), 0U);
    EXPECT_LE(publishing.returned() - start, with_tolerance(100ms));
}

TEST_F(WriterWait, ForAReaderEndsWhenOneIsAttached) {
    EXPECT_EQ(writer_.wait_for_reader(in_time), WriteStatus::Ok);
    Writer other("other");
    BackgroundCall<WriteStatus> waiting([&] { return other.wait_for_reader(patience); });
    ASSERT_TRUE(waiting.blocks());
    Reader reader("other");
    ASSERT_TRUE(attach(reader));
    EXPECT_EQ(waiting.result(), WriteStatus::Ok);
}

TEST_F(WriterWait, ForAReaderEndsWithAReaderThatWasWaiting) {
    Reader reader("other");
    BackgroundCall<Frame> reading([&] { return reader.read(patience); });
    ASSERT_TRUE(reading.blocks());
    Writer other("other");
    EXPECT_EQ(other.wait_for_reader(in_time), WriteStatus::Ok);
    write_pattern(other, spec_);
    EXPECT_EQ(reading.result().number(), 1U);
}

TEST_F(WriterWait, ForAReaderLastsAsLongAsAsked) {
    Writer other("other");
    const auto start = Clock::now();
    EXPECT_EQ(other.wait_for_reader(80ms), WriteStatus::Timeout);
    EXPECT_GE(Clock::now() - start, 80ms);
}

TEST_F(WriterWait, ForAReaderIsCancelledWithin100ms) {
    Writer other("other");
    BackgroundCall<WriteStatus> waiting([&] { return other.wait_for_reader(patience); });
    ASSERT_TRUE(waiting.blocks());
    const auto start = Clock::now();
    other.cancel();
    EXPECT_EQ(waiting.result(), WriteStatus::Cancelled);
    EXPECT_LE(waiting.returned() - start, with_tolerance(100ms));
}

TEST_F(WriterWait, CancelDoesNotTouchWhatNeedNotWait) {
    writer_.cancel();
    EXPECT_EQ(write_pattern(writer_, spec_), 1U);
    EXPECT_EQ(reader_.read(in_time).number(), 1U);
}

}  // namespace
}  // namespace ndsharray::test
