// SPDX-License-Identifier: BSD-3-Clause
// What is written is what is read: pixels, layout, attributes, times and metadata.
#include "core_test.hpp"
#include "remote.hpp"

#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <utility>

namespace ndsharray::test {
namespace {

using Bytes = std::vector<std::byte>;

Bytes random_bytes(std::uint64_t count) {
    std::mt19937 random(static_cast<unsigned>(count));
    Bytes bytes(count);
    for (auto& byte : bytes)
        byte = static_cast<std::byte>(random());
    return bytes;
}

Bytes copy_of(std::span<const std::byte> bytes) {
    return {bytes.begin(), bytes.end()};
}

/// Fills a new frame of this layout, padding included, and publishes it.
std::uint64_t publish_bytes(Writer& writer, const ArraySpec& spec, const Bytes& bytes,
                            const FrameInfo& info = {}, std::span<const std::byte> metadata = {}) {
    WritableFrame frame = writer.acquire(spec);
    if (!bytes.empty())
        std::memcpy(frame.data(), bytes.data(), bytes.size());
    return writer.publish(std::move(frame), info, metadata);
}

class WriteRead : public CoreTest {
  protected:
    Writer writer_{tag_, {.metadata_capacity = 100}};
    Reader reader_{tag_};
};

TEST_F(WriteRead, EveryDTypeCrosses) {
    for (std::uint32_t value = 0; value < dtype_count; ++value) {
        const auto spec = ArraySpec::contiguous(static_cast<DType>(value), Shape{7, 5});
        const auto pixels = random_bytes(spec.bytes);
        ASSERT_NE(writer_.write({pixels.data(), spec}), 0U) << spec.to_string();
        const Frame frame = reader_.read(in_time);
        ASSERT_TRUE(frame) << spec.to_string();
        EXPECT_EQ(frame.spec(), spec) << frame.spec().to_string();
        EXPECT_EQ(copy_of(pixels_of(frame)), pixels) << spec.to_string();
    }
}

TEST_F(WriteRead, EveryNumberOfDimensionsCrosses) {
    for (std::size_t ndim = 0; ndim <= max_dimensions; ++ndim) {
        Shape shape(ndim, 1);
        for (std::size_t i = 0; i < ndim; i += 5)
            shape[i] = 3;
        const auto spec = ArraySpec::contiguous(DType::UInt16, shape);
        const auto pixels = random_bytes(spec.bytes);
        ASSERT_NE(writer_.write({pixels.data(), spec}), 0U) << ndim;
        const Frame frame = reader_.read(in_time);
        ASSERT_TRUE(frame) << ndim;
        EXPECT_EQ(frame.spec(), spec) << frame.spec().to_string();
        EXPECT_EQ(copy_of(pixels_of(frame)), pixels) << ndim;
    }
}

TEST_F(WriteRead, ArraysWithoutElementsCross) {
    for (const Shape& shape : {Shape{0}, Shape{0, 3}, Shape{3, 0}}) {
        const auto spec = ArraySpec::contiguous(DType::Float32, shape);
        ASSERT_NE(writer_.write({nullptr, spec}), 0U);
        const Frame frame = reader_.read(in_time);
        ASSERT_TRUE(frame);
        EXPECT_EQ(frame.spec(), spec) << frame.spec().to_string();
        EXPECT_EQ(frame.spec().size(), 0U);
    }
}

TEST_F(WriteRead, ByteOrderCrosses) {
    for (const ByteOrder order : {ByteOrder::Big, ByteOrder::Little}) {
        const auto spec = ArraySpec::contiguous(DType::UInt16, Shape{4}, order);
        publish_bytes(writer_, spec, random_bytes(spec.bytes));
        const Frame frame = reader_.read(in_time);
        ASSERT_TRUE(frame);
        EXPECT_EQ(frame.spec().byte_order, order);
    }
}

TEST_F(WriteRead, PaddedRowsCrossBitExact) {
    const auto spec = ArraySpec::strided(DType::UInt8, Shape{9, 10, 3}, Strides{32, 3, 1}, 9 * 32);
    const auto pixels = random_bytes(spec.bytes);
    publish_bytes(writer_, spec, pixels);
    const Frame frame = reader_.read(in_time);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame.spec(), spec) << frame.spec().to_string();
    EXPECT_EQ(copy_of(pixels_of(frame)), pixels);
}

TEST_F(WriteRead, FortranOrderCrossesAsItIs) {
    const auto spec = ArraySpec::strided(DType::Int32, Shape{9, 10}, Strides{4, 36});
    const auto pixels = random_bytes(spec.bytes);
    publish_bytes(writer_, spec, pixels);
    const Frame frame = reader_.read(in_time);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame.spec(), spec);
    EXPECT_EQ(copy_of(pixels_of(frame)), pixels);
}

TEST_F(WriteRead, FramesArePageAligned) {
    const auto page = std::uintptr_t{4096};
    for (int i = 0; i < 10; ++i) {
        WritableFrame writable = writer_.acquire(spec_);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(writable.data()) % page, 0U);
        writer_.publish(std::move(writable));
        const Frame frame = reader_.read(in_time);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(frame.data()) % page, 0U);
    }
}

/// A source with strides that no shared array can have: what NumPy's slices look like.
class WriteStrided : public WriteRead {
  protected:
    /// Writes 4 x 6 elements of int16 that lie at `first`, with these strides in elements.
    /// \returns what arrives, in C order.
    std::vector<std::int16_t> through(const std::int16_t* first, std::int64_t row, std::int64_t column) {
        ArraySpec spec;
        spec.dtype = DType::Int16;
        spec.ndim = 2;
        spec.shape = {4, 6};
        spec.strides = {row * 2, column * 2};
        writer_.write({first, spec});
        const Frame frame = reader_.read(in_time);
        if (!frame || frame.spec() != ArraySpec::contiguous(DType::Int16, Shape{4, 6}))
            return {};
        std::vector<std::int16_t> elements(24);
        std::memcpy(elements.data(), frame.data(), 48);
        return elements;
    }

    /// The same by the plainest way.
    static std::vector<std::int16_t> gathered(const std::int16_t* first, std::int64_t row,
                                              std::int64_t column) {
        std::vector<std::int16_t> elements;
        for (std::int64_t y = 0; y < 4; ++y)
            for (std::int64_t x = 0; x < 6; ++x)
                elements.push_back(first[y * row + x * column]);
        return elements;
    }

    std::vector<std::int16_t> source_ = [] {
        std::vector<std::int16_t> numbers(1000);
        std::iota(numbers.begin(), numbers.end(), std::int16_t{0});
        return numbers;
    }();
    const std::int16_t* middle_ = source_.data() + 500;
};

TEST_F(WriteStrided, PaddedRowsAreGathered) {
    EXPECT_EQ(through(middle_, 10, 1), gathered(middle_, 10, 1));
}

TEST_F(WriteStrided, RowsUpsideDownAreGathered) {
    EXPECT_EQ(through(middle_, -6, 1), gathered(middle_, -6, 1));
}

TEST_F(WriteStrided, MirroredRowsAreGathered) {
    EXPECT_EQ(through(middle_, 6, -1), gathered(middle_, 6, -1));
    EXPECT_EQ(through(middle_, -6, -1), gathered(middle_, -6, -1));
}

TEST_F(WriteStrided, TransposedArraysAreGathered) {
    EXPECT_EQ(through(middle_, 1, 4), gathered(middle_, 1, 4));
}

TEST_F(WriteStrided, EverySecondElementIsGathered) {
    EXPECT_EQ(through(middle_, 24, 2), gathered(middle_, 24, 2));
}

TEST_F(WriteStrided, BroadcastRowsAreGathered) {
    EXPECT_EQ(through(middle_, 0, 1), gathered(middle_, 0, 1));
}

TEST_F(WriteRead, AttributesCross) {
    const Attributes attributes = {{"caps", "video/x-raw, format=RGB"},
                                   {"empty", ""},
                                   {"unicode", "Kamera \xc3\xa4\xe6\x97\xa5"},
                                   {"binary", std::string("a\0b", 3)}};
    writer_.configure(spec_, attributes);
    write_pattern(writer_, spec_);
    const Frame frame = reader_.read(in_time);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame.attributes(), attributes);
}

TEST_F(WriteRead, AsManyAttributesAsAllowedCross) {
    const Attributes attributes = {{"big", std::string(max_attribute_bytes - 3, 'x')}};
    writer_.configure(spec_, attributes);
    write_pattern(writer_, spec_);
    const Frame frame = reader_.read(in_time);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame.attributes(), attributes);
}

TEST_F(WriteRead, AttributesStayWhenOnlyTheLayoutChanges) {
    const Attributes attributes = {{"caps", "some"}};
    writer_.configure(spec_, attributes);
    const auto other = bytes_spec(77);
    const auto pixels = random_bytes(77);
    writer_.write({pixels.data(), other});
    const Frame frame = reader_.read(in_time);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame.attributes(), attributes);
}

TEST_F(WriteRead, MetadataCrosses) {
    const auto metadata = random_bytes(100);
    publish_bytes(writer_, spec_, {}, {}, metadata);
    const Frame frame = reader_.read(in_time);
    ASSERT_TRUE(frame);
    EXPECT_EQ(copy_of(frame.metadata()), metadata);
}

TEST_F(WriteRead, MetadataIsThatOfTheFrame) {
    publish_bytes(writer_, spec_, {}, {}, random_bytes(100));
    publish_bytes(writer_, spec_, {});
    const Frame frame = reader_.read(in_time);
    ASSERT_TRUE(frame);
    EXPECT_TRUE(frame.metadata().empty());
}

TEST_F(WriteRead, FrameCrossesWithoutMetadataThatIsTooLong) {
    EXPECT_EQ(publish_bytes(writer_, spec_, {}, {}, random_bytes(101)), 1U);
    const Frame frame = reader_.read(in_time);
    ASSERT_TRUE(frame);
    EXPECT_TRUE(frame.metadata().empty());
}

TEST_F(WriteRead, FrameInfoCrosses) {
    const FrameInfo info{.pts = -1,
                         .dts = 2,
                         .stream_pts = 3,
                         .stream_dts = std::numeric_limits<std::int64_t>::max(),
                         .duration = 33'333'333,
                         .offset = 6,
                         .offset_end = std::numeric_limits<std::uint64_t>::max() - 1,
                         .flags = 0xfedcba98U};
    publish_bytes(writer_, spec_, {}, info);
    const Frame frame = reader_.read(in_time);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame.info().pts, info.pts);
    EXPECT_EQ(frame.info().dts, info.dts);
    EXPECT_EQ(frame.info().stream_pts, info.stream_pts);
    EXPECT_EQ(frame.info().stream_dts, info.stream_dts);
    EXPECT_EQ(frame.info().duration, info.duration);
    EXPECT_EQ(frame.info().offset, info.offset);
    EXPECT_EQ(frame.info().offset_end, info.offset_end);
    EXPECT_EQ(frame.info().flags, info.flags);
}

TEST_F(WriteRead, UnknownTimesStayUnknown) {
    publish_bytes(writer_, spec_, {});
    const Frame frame = reader_.read(in_time);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame.info().pts, no_time);
    EXPECT_EQ(frame.info().duration, no_time);
    EXPECT_EQ(frame.info().offset, no_offset);
}

TEST_F(WriteRead, TimeOfPublicationIsMonotonicTime) {
    const auto now = [] {
        return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch());
    };
    const auto before = now().count();
    publish_bytes(writer_, spec_, {}, {.published = 1});
    const auto after = now().count();
    const Frame frame = reader_.read(in_time);
    ASSERT_TRUE(frame);
    EXPECT_GE(frame.info().published, before);
    EXPECT_LE(frame.info().published, after);
}

TEST_F(WriteRead, AgeIsTimeSincePublication) {
    publish_bytes(writer_, spec_, {});
    const Frame frame = reader_.read(in_time);
    ASSERT_TRUE(frame);
    const std::chrono::nanoseconds now = std::chrono::steady_clock::now().time_since_epoch();
    EXPECT_GE(frame.age(), now - std::chrono::nanoseconds(frame.info().published));
    EXPECT_LE(frame.age(), now - std::chrono::nanoseconds(frame.info().published) + 1s);
}

TEST_F(WriteRead, NumbersStartAtOneAndCountOn) {
    for (std::uint64_t number = 1; number <= 20; ++number) {
        EXPECT_EQ(publish_bytes(writer_, spec_, {}, {.number = 99}), number);
        EXPECT_EQ(reader_.read(in_time).number(), number);
    }
}

TEST_F(WriteRead, FrameGivenBackUnpublishedTakesNoNumber) {
    write_pattern(writer_, spec_);
    writer_.acquire().release();
    { const WritableFrame destroyed = writer_.acquire(); }
    EXPECT_EQ(write_pattern(writer_, spec_), 2U);
}

TEST_F(WriteRead, LatestReaderSkipsToTheNewestFrame) {
    ASSERT_TRUE(attach(reader_));
    for (int i = 0; i < 5; ++i)
        write_pattern(writer_, spec_);
    EXPECT_EQ(reader_.read(in_time).number(), 5U);
    EXPECT_EQ(reader_.read(0ns).status(), ReadStatus::Timeout);
}

}  // namespace
}  // namespace ndsharray::test
