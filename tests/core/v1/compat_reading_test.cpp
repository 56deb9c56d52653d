// SPDX-License-Identifier: BSD-3-Clause
// The files of the Python package ndsharray 1.x, read where only it writes.
#include "core_test.hpp"
#include "one_x.hpp"

#include <support/background_call.hpp>

#include <bit>
#include <limits>
#include <thread>

namespace ndsharray::test {
namespace {

class CompatReading : public CoreTest {
  protected:
    ~CompatReading() override { directory_.clear(); }  // as 1.x leaves it

    Reader reader_{tag_};
    OldWriter old_{directory_.path(), tag_};
};

/// A dtype as 1.x knows it.
struct OldType {
    std::uint64_t index;
    DType dtype;
};

TEST_F(CompatReading, EveryDTypeOfEveryVersionArrives) {
    std::vector<OldType> types = {{11, DType::Float128},   {12, DType::Complex64}, {13, DType::Complex128},
                                  {14, DType::Complex256}, {15, DType::Bool},      {11, DType::Complex64},
                                  {12, DType::Complex128}, {13, DType::Bool}};
    for (std::uint32_t index = 0; index <= 10; ++index)
        types.push_back({index, static_cast<DType>(index)});
    for (const OldType& type : types) {
        const auto spec = ArraySpec::contiguous(type.dtype, Shape{3, 5});
        old_.index = type.index;
        old_.write({3, 5}, pattern(spec.bytes, type.index));
        const Frame frame = reader_.read(in_time);
        ASSERT_TRUE(frame) << spec.to_string();
        EXPECT_EQ(frame.spec(), spec) << frame.spec().to_string() << " for " << spec.to_string();
        EXPECT_EQ(text_of(frame), pattern(spec.bytes, type.index));
    }
}

TEST_F(CompatReading, LengthsOfFourBytesAreUnderstood) {
    old_.width = 4;
    old_.write({2, 3, 4}, pattern(24, 1));
    const Frame frame = reader_.read(in_time);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame.spec(), ArraySpec::contiguous(DType::UInt8, Shape{2, 3, 4}));
    EXPECT_EQ(text_of(frame), pattern(24, 1));
}

TEST_F(CompatReading, AnyNumberOfDimensionsArrives) {
    for (std::size_t ndim = 0; ndim <= max_dimensions; ++ndim) {
        old_.write(Shape(ndim, 1), "x");
        const Frame frame = reader_.read(in_time);
        ASSERT_TRUE(frame) << ndim;
        EXPECT_EQ(frame.spec().ndim, ndim);
        EXPECT_EQ(text_of(frame), "x");
    }
}

TEST_F(CompatReading, ArrayWithoutElementsArrives) {
    old_.write({0, 7}, "");
    const Frame frame = reader_.read(in_time);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame.spec(), ArraySpec::contiguous(DType::UInt8, Shape{0, 7}));
}

TEST_F(CompatReading, FrameIsACopyWithoutAttributesPublishedThen) {
    const double before = now();
    old_.write({10}, pattern(10, 1));
    const double after = now();
    const Frame frame = reader_.read(in_time);
    ASSERT_TRUE(frame);
    EXPECT_TRUE(frame.is_copy());
    EXPECT_TRUE(frame.first_of_writer());
    EXPECT_TRUE(frame.attributes().empty());
    EXPECT_TRUE(frame.metadata().empty());
    EXPECT_EQ(frame.number(), 1U);
    EXPECT_EQ(frame.info().pts, no_time);
    EXPECT_EQ(frame.segment_name(), old_.data().filename());
    EXPECT_GE(static_cast<double>(frame.info().published) * 1e-9, before - 1e-6);
    EXPECT_LE(static_cast<double>(frame.info().published) * 1e-9, after + 1e-6);
    EXPECT_EQ(reader_.stats().copied, 1U);
    EXPECT_EQ(reader_.segment_name(), frame.segment_name());
}

TEST_F(CompatReading, WriterThatStartsLaterIsFound) {
    std::filesystem::remove(old_.control());
    BackgroundCall<Frame> reading([this] { return reader_.read(in_time); });
    ASSERT_TRUE(reading.blocks());
    OldWriter late(directory_.path(), tag_);
    late.write({10}, pattern(10, 1));
    EXPECT_EQ(text_of(reading.result()), pattern(10, 1));
}

TEST_F(CompatReading, EachFrameComesOnce) {
    old_.write({10}, pattern(10, 1));
    ASSERT_TRUE(reader_.read(in_time));
    EXPECT_EQ(reader_.read(50ms).status(), ReadStatus::Timeout);
    old_.begin(pattern(10, 2));
    old_.end();
    const Frame second = reader_.read(in_time);
    ASSERT_TRUE(second);
    EXPECT_EQ(text_of(second), pattern(10, 2));
    EXPECT_FALSE(second.first_of_writer());
    EXPECT_EQ(second.number(), 2U);
}

TEST_F(CompatReading, HeldFrameStaysAsItIs) {
    old_.write({10}, pattern(10, 1));
    const Frame first = reader_.read(in_time);
    old_.begin(pattern(10, 2));
    old_.end();
    const Frame second = reader_.read(in_time);
    EXPECT_EQ(text_of(first), pattern(10, 1));
    EXPECT_EQ(text_of(second), pattern(10, 2));
}

TEST_F(CompatReading, HalfWrittenFrameIsNotDelivered) {
    old_.write({10}, pattern(10, 1));
    ASSERT_TRUE(reader_.read(in_time));
    old_.begin(pattern(10, 2));
    EXPECT_EQ(reader_.read(50ms).status(), ReadStatus::Timeout);
    old_.end();
    EXPECT_EQ(text_of(reader_.read(in_time)), pattern(10, 2));
}

TEST_F(CompatReading, FramesAreWholeWhileTheWriterIsBusy) {
    constexpr std::uint64_t bytes = 200'000;
    old_.write({bytes}, pattern(bytes, 0));
    {
        std::jthread writer([&](const std::stop_token& stop) {
            for (std::uint64_t key = 1; !stop.stop_requested(); ++key) {
                old_.begin(pattern(bytes, key));
                old_.end();
            }
        });
        std::uint64_t newest = 0;
        for (unsigned frames = 0; frames < 100;) {
            const Frame frame = reader_.read(in_time);
            ASSERT_TRUE(frame) << frames;
            std::uint64_t key = newest;
            while (key < newest + 100'000 && !has_pattern(pixels_of(frame), key))
                ++key;
            ASSERT_TRUE(has_pattern(pixels_of(frame), key)) << "torn";
            newest = key;
            ++frames;
        }
    }
}

TEST_F(CompatReading, IsCancelledWithin100ms) {
    old_.write({10}, pattern(10, 1));
    ASSERT_TRUE(reader_.read(in_time));
    BackgroundCall<Frame> reading([this] { return reader_.read(); }, [this] { reader_.cancel(); });
    ASSERT_TRUE(reading.blocks());
    const auto start = Clock::now();
    reader_.cancel();
    EXPECT_EQ(reading.result().status(), ReadStatus::Cancelled);
    EXPECT_LE(reading.returned() - start, with_tolerance(100ms));
}

TEST_F(CompatReading, GoesOverToOurWriterAndBack) {
    old_.write({10}, pattern(10, 1));
    ASSERT_TRUE(reader_.read(in_time));
    {
        Writer writer(tag_);
        write_pattern(writer, spec_);
        const Frame ours = reader_.read(in_time);
        ASSERT_TRUE(ours);
        EXPECT_TRUE(is_intact(ours));
        EXPECT_TRUE(ours.first_of_writer());
        EXPECT_FALSE(ours.is_copy());
        old_.begin(pattern(10, 2));
        old_.end();
        EXPECT_EQ(reader_.read(50ms).status(), ReadStatus::Timeout);
    }
    EXPECT_EQ(reader_.read(in_time).status(), ReadStatus::Disconnected);
    old_.begin(pattern(10, 3));
    old_.end();
    const Frame back = reader_.read(in_time);
    EXPECT_EQ(text_of(back), pattern(10, 3));
    EXPECT_TRUE(back.first_of_writer());
    EXPECT_EQ(reader_.stats().reconnects, 2U);
}

TEST_F(CompatReading, ReaderSleepsWhereThereAreNoFilesOfIt) {
    std::filesystem::remove(old_.control());
    BackgroundCall<Frame> reading([this] { return reader_.read(); }, [this] { reader_.cancel(); });
    ASSERT_TRUE(reading.blocks());
    const auto before = voluntary_switches(reading.thread());
    std::this_thread::sleep_for(500ms);  // the time that is measured
    EXPECT_LE(voluntary_switches(reading.thread()) - before, 2U);
}

TEST_F(CompatReading, ForeignFileWithTheTagsNameIsLeftAlone) {
    for (const std::string& content : {std::string("something else"), std::string(37, 'x'),
                                       tag_ + "_" + std::string(32, 'G'), std::string(5000, '\0')}) {
        std::filesystem::remove(old_.control());
        put(old_.control(), 0, content);
        EXPECT_EQ(reader_.read(30ms).status(), ReadStatus::Timeout);
        EXPECT_EQ(content_of(old_.control()), content);
    }
}

TEST_F(CompatReading, LinksAndFoldersAreNotFollowed) {
    old_.write({10}, pattern(10, 1));
    std::filesystem::rename(old_.control(), directory_.path() / "elsewhere");
    std::filesystem::create_symlink("elsewhere", old_.control());
    EXPECT_EQ(reader_.read(30ms).status(), ReadStatus::Timeout);
    std::filesystem::remove(old_.control());
    std::filesystem::create_directory(old_.control());
    EXPECT_EQ(reader_.read(30ms).status(), ReadStatus::Timeout);
    std::filesystem::remove(old_.control());

    old_.announce();
    std::filesystem::rename(old_.data(), directory_.path() / "data");
    std::filesystem::create_symlink("data", old_.data());
    EXPECT_EQ(reader_.read(30ms).status(), ReadStatus::Failed);
    EXPECT_EQ(reader_.error().code(), ErrorCode::NotRegular);
    EXPECT_TRUE(contains(reader_.error().what(), old_.data().string())) << reader_.error().what();
}

TEST_F(CompatReading, MissingDataFileIsWaitedFor) {
    put(old_.control(), 0, tag_ + "_" + std::string(32, 'b'));
    EXPECT_EQ(reader_.read(30ms).status(), ReadStatus::Timeout);
    old_.write({10}, pattern(10, 1));
    EXPECT_TRUE(reader_.read(in_time));
}

TEST_F(CompatReading, DataFileThatWasNeverWrittenIsWaitedFor) {
    old_.write_raw(std::string(100, '\0'));
    EXPECT_EQ(reader_.read(30ms).status(), ReadStatus::Timeout);
}

TEST_F(CompatReading, ImpossibleTimesAreNoFrame) {
    old_.write({10}, pattern(10, 1));
    for (const double time :
         {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 1e300}) {
        put(old_.data(), 0, bytes_of(time));
        put(old_.data(), 8 + 3 * sizeof(void*) + 10, bytes_of(time));
        EXPECT_EQ(reader_.read(10ms).status(), ReadStatus::Timeout) << time;
    }
}

TEST_F(CompatReading, DamagedHeaderIsAnErrorThatNamesTheFile) {
    const std::string time = bytes_of(now());
    const auto file = [&](std::initializer_list<std::uint64_t> numbers, const std::string& elements) {
        std::string content = time;
        for (const std::uint64_t number : numbers)
            content += big_endian(number, 8);
        return content + elements + time;
    };
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    for (const std::string& content : {
             std::string("short") + std::string(20, 'x'),
             file({4, 1, 11}, std::string(10, 'x')),               // one element too many
             file({4, 1, 9}, std::string(10, 'x')),                // one too few
             file({16, 1, 10}, std::string(10, 'x')),              // no such dtype
             file({9, 1, 10}, std::string(10, 'x')),               // of another size
             file({most, 1, 10}, std::string(10, 'x')),            //
             file({4, 33}, std::string(300, 'x')),                 // too many dimensions
             file({4, most}, std::string(300, 'x')),               //
             file({4, 2, most, most}, std::string(10, 'x')),       // more than 64 bits
             file({4, 2, 1ULL << 32, 1ULL << 32}, std::string()),  // wraps to nothing
             file({4, 2, 0, most}, std::string()),                 // nothing, of impossible size
         }) {
        old_.write_raw(content);
        EXPECT_EQ(reader_.read(30ms).status(), ReadStatus::Failed) << content.size();
        EXPECT_EQ(reader_.error().code(), ErrorCode::Damaged);
        EXPECT_TRUE(contains(reader_.error().what(), old_.data().string())) << reader_.error().what();
    }
    old_.write({10}, pattern(10, 1));
    EXPECT_TRUE(reader_.read(in_time)) << "and goes on after them";
}

TEST_F(CompatReading, FileThatIsCutOffIsNoFrame) {
    old_.write({100'000}, pattern(100'000, 1));
    ASSERT_TRUE(reader_.read(in_time));
    std::filesystem::resize_file(old_.data(), 1000);
    EXPECT_EQ(reader_.read(30ms).status(), ReadStatus::Timeout);
    std::filesystem::resize_file(old_.data(), 0);
    EXPECT_EQ(reader_.read(30ms).status(), ReadStatus::Timeout);
}

}  // namespace
}  // namespace ndsharray::test
