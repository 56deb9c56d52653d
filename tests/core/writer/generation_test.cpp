// SPDX-License-Identifier: BSD-3-Clause
// Layout changes: when they make a new segment, and what readers see of it.
#include "core_test.hpp"
#include "remote.hpp"

#include <utility>

namespace ndsharray::test {
namespace {

class Generation : public CoreTest {
  protected:
    /// Publishes a frame of this layout and reads it.
    Frame through(const ArraySpec& spec, const Attributes& attributes = {}) {
        writer_.configure(spec, attributes);
        write_pattern(writer_, spec);
        return reader_.read(in_time);
    }

    /// Whether a frame of `changed` comes in another segment of a higher generation than one of `first`.
    ::testing::AssertionResult makes_new_segment(const ArraySpec& first, const ArraySpec& changed,
                                                 const Attributes& attributes = {}) {
        const Frame before = through(first);
        const Frame after = through(changed, attributes);
        if (!before || !after)
            return ::testing::AssertionFailure() << "no frame";
        if (!(after.spec() == changed) || after.attributes() != attributes)
            return ::testing::AssertionFailure() << "a frame with another layout";
        return (after.generation() > before.generation() && after.segment_name() != before.segment_name()
                    ? ::testing::AssertionSuccess()
                    : ::testing::AssertionFailure())
               << before.segment_name() << " of generation " << before.generation() << ", then "
               << after.segment_name() << " of generation " << after.generation();
    }

    Writer writer_{tag_};
    Reader reader_{tag_};
    const ArraySpec base_ = ArraySpec::contiguous(DType::UInt16, Shape{4, 6});
};

TEST_F(Generation, IsNewWithAnotherDType) {
    EXPECT_TRUE(makes_new_segment(base_, ArraySpec::contiguous(DType::Int16, Shape{4, 6})));
}

TEST_F(Generation, IsNewWithAnotherByteOrder) {
    const auto other = native_byte_order == ByteOrder::Little ? ByteOrder::Big : ByteOrder::Little;
    EXPECT_TRUE(makes_new_segment(base_, ArraySpec::contiguous(DType::UInt16, Shape{4, 6}, other)));
}

TEST_F(Generation, IsNewWithAnotherShape) {
    EXPECT_TRUE(makes_new_segment(base_, ArraySpec::contiguous(DType::UInt16, Shape{6, 4})));
}

TEST_F(Generation, IsNewWithOtherStrides) {
    EXPECT_TRUE(makes_new_segment(base_, ArraySpec::strided(DType::UInt16, Shape{4, 6}, Strides{16, 2})));
}

TEST_F(Generation, IsNewWithOtherAttributes) {
    EXPECT_TRUE(makes_new_segment(base_, base_, {{"caps", "other"}}));
}

TEST_F(Generation, StaysWithTheSameLayout) {
    const Frame before = through(base_, {{"caps", "same"}});
    const Frame after = through(base_, {{"caps", "same"}});
    ASSERT_TRUE(before && after);
    EXPECT_EQ(after.generation(), before.generation());
    EXPECT_EQ(after.segment_name(), before.segment_name());
}

TEST_F(Generation, StaysWhenWriteGetsOtherStridesOfTheSameShape) {
    const std::vector<std::uint16_t> source(100);
    const Shape shape{4, 6};
    writer_.write({source.data(), base_});
    const Frame before = reader_.read(in_time);
    writer_.write({source.data(), ArraySpec::strided(DType::UInt16, shape, Strides{20, 2})});
    const Frame after = reader_.read(in_time);
    ASSERT_TRUE(before && after);
    EXPECT_EQ(after.generation(), before.generation());
}

TEST_F(Generation, IsTheSameForWriterAndReader) {
    const Frame frame = through(base_);
    ASSERT_TRUE(frame);
    EXPECT_EQ(writer_.stats().generation, frame.generation());
    EXPECT_EQ(reader_.stats().generation, frame.generation());
}

TEST_F(Generation, HasOneSegmentNameForWriterReaderAndFrame) {
    const Frame frame = through(base_);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame.segment_name(), writer_.segment_name());
    EXPECT_EQ(reader_.segment_name(), writer_.segment_name());
    EXPECT_TRUE(std::filesystem::exists(directory_.path() / frame.segment_name())) << frame.segment_name();
}

TEST_F(Generation, HasNoSegmentNameBeforeTheFirst) {
    EXPECT_EQ(writer_.segment_name(), "");
    EXPECT_EQ(reader_.segment_name(), "");
    EXPECT_EQ(writer_.stats().generation, 0U);
}

TEST_F(Generation, KeepsFrameNumbersCounting) {
    EXPECT_EQ(through(base_).number(), 1U);
    EXPECT_EQ(through(bytes_spec(10)).number(), 2U);
}

TEST_F(Generation, LeavesNoFileOfTheOneBefore) {
    const std::string old_segment = through(base_).segment_name();
    through(bytes_spec(10));
    EXPECT_TRUE(wait_until([&] { return !std::filesystem::exists(directory_.path() / old_segment); }));
}

TEST_F(Generation, RefusesPublishingAFrameOfTheOneBefore) {
    WritableFrame old_frame = writer_.acquire(base_);
    writer_.configure(bytes_spec(10));
    EXPECT_EQ(writer_.publish(std::move(old_frame)), 0U);
}

TEST_F(Generation, LeavesWritableFramesOfTheOneBeforeMapped) {
    WritableFrame old_frame = writer_.acquire(base_);
    writer_.configure(bytes_spec(10));
    fill_pattern(pixels_of(old_frame), 1);
    EXPECT_TRUE(has_pattern(pixels_of(old_frame), 1));
}

TEST_F(Generation, IsNotMadeByConfigureAloneForReaders) {
    ASSERT_TRUE(through(base_));
    writer_.configure(bytes_spec(10));
    EXPECT_EQ(reader_.read(0ns).status(), ReadStatus::Timeout);
}

TEST_F(Generation, ChangesManyTimesInARow) {
    for (std::uint64_t bytes = 1; bytes <= 50; ++bytes) {
        const Frame frame = through(bytes_spec(bytes));
        ASSERT_TRUE(frame) << bytes;
        EXPECT_EQ(frame.number(), bytes);
        EXPECT_EQ(frame.spec().bytes, bytes);
        EXPECT_TRUE(is_intact(frame)) << bytes;
    }
}

TEST_F(Generation, MayHaveItsOwnNumberOfSlots) {
    writer_.configure(base_, {}, 5);
    EXPECT_EQ(writer_.stats().slots, 5U);
}

TEST_F(Generation, HasEightSlotsByDefault) {
    writer_.configure(base_);
    EXPECT_EQ(writer_.stats().slots, default_slots);
}

}  // namespace
}  // namespace ndsharray::test
