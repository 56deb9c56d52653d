// SPDX-License-Identifier: BSD-3-Clause
// The files of the Python package ndsharray 1.x: read where only it writes, written where `compat` asks.
#include "core_test.hpp"
#include "remote.hpp"

#include <support/background_call.hpp>

#include <atomic>
#include <bit>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <optional>
#include <thread>
#include <utility>

namespace ndsharray::test {
namespace {

using Path = std::filesystem::path;
using Shape = std::vector<std::uint64_t>;
using Clock = std::chrono::steady_clock;

double now() {
    return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

std::string bytes_of(double number) {
    std::string bytes(sizeof number, '\0');
    std::memcpy(bytes.data(), &number, sizeof number);
    return bytes;
}

double double_at(const std::string& bytes, std::size_t offset) {
    double number = 0;
    std::memcpy(&number, bytes.data() + offset, sizeof number);
    return number;
}

std::string big_endian(std::uint64_t number, std::size_t width) {
    std::string bytes;
    for (std::size_t i = width; i-- > 0;)
        bytes += static_cast<char>(number >> (8 * i));
    return bytes;
}

std::string content_of(const Path& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    std::string content(file ? static_cast<std::size_t>(file.tellg()) : 0, '\0');
    file.seekg(0);
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    return content;
}

/// Overwrites a part of a file, or makes it.
void put(const Path& path, std::size_t offset, const std::string& bytes) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    if (!file)
        file.open(path, std::ios::binary | std::ios::in | std::ios::out | std::ios::trunc);
    file.seekp(static_cast<std::streamoff>(offset));
    file << bytes;
}

std::string pattern(std::uint64_t bytes, std::uint64_t key) {
    std::string text(static_cast<std::size_t>(bytes), '\0');
    fill_pattern(std::as_writable_bytes(std::span(text)), key);
    return text;
}

std::string text_of(const Frame& frame) {
    return {reinterpret_cast<const char*>(frame.data()), static_cast<std::size_t>(frame.spec().bytes)};
}

/// What 1.x writes, step by step.
class OldWriter {
  public:
    OldWriter(const Path& directory, const std::string& tag) : directory_(directory), tag_(tag) {
        put(control(), 0, std::string(tag_.size() + 33, '\0'));
    }

    std::uint64_t index = 4;            // uint8
    std::size_t width = sizeof(void*);  // of the numbers in the header

    /// Writes an array into a new data file.
    void write(const Shape& shape, const std::string& elements) {
        start_file();
        std::string header = big_endian(index, width) + big_endian(shape.size(), width);
        for (const std::uint64_t length : shape)
            header += big_endian(length, width);
        const std::string time = bytes_of(now());
        put(data(), 0, time + header + elements + time);
        end_offset_ = sizeof(double) + header.size() + elements.size();
        announce();
    }

    /// Writes the next elements of as many bytes, up to the time at the end.
    void begin(const std::string& elements) {
        time_ = bytes_of(now());
        put(data(), 0, time_);
        put(data(), end_offset_ - elements.size(), elements);
    }
    void end() {
        put(data(), end_offset_, time_);
        announce();
    }

    void write_raw(const std::string& content) {
        start_file();
        put(data(), 0, content);
        announce();
    }

    void announce() const { put(control(), 0, data().filename()); }
    Path control() const { return directory_ / tag_; }
    Path data() const { return directory_ / (tag_ + "_" + id_); }

  private:
    void start_file() {
        ++files_;
        std::string digits = std::to_string(files_);
        id_ = std::string(32 - digits.size(), 'a') + digits;
    }

    Path directory_;
    std::string tag_;
    std::string id_;
    std::string time_;
    std::size_t end_offset_ = 0;
    unsigned files_ = 0;
};

/// Reads as 1.x does: what the control file names, time first, then all the rest.
class OldReader {
  public:
    OldReader(const Path& directory, const std::string& tag) : directory_(directory), tag_(tag) {}

    struct Result {
        double time = 0;
        std::string header;  // without the time
        std::string elements;
        bool is_valid = false;
    };

    Path data() const { return directory_ / content_of(directory_ / tag_); }

    Result read(std::size_t ndim) const {
        const std::string content = content_of(data());
        const std::size_t header = sizeof(double) + (2 + ndim) * sizeof(void*);
        if (content.size() < header + sizeof(double))
            return {};
        Result result;
        result.time = double_at(content, 0);
        result.header = content.substr(sizeof(double), header - sizeof(double));
        result.elements = content.substr(header, content.size() - header - sizeof(double));
        result.is_valid = result.time == double_at(content, content.size() - sizeof(double));
        return result;
    }

  private:
    Path directory_;
    std::string tag_;
};

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

// ---- writing

WriterOptions with_compat(unsigned permissions = 0600) {
    WriterOptions options;
    options.compat = true;
    options.permissions = permissions;
    return options;
}

class CompatWriting : public CoreTest {
  protected:
    Path control() const { return directory_.path() / tag_; }

    OldReader old_{directory_.path(), tag_};
};

TEST_F(CompatWriting, ReaderOf1xFindsItsFileBeforeTheFirstFrame) {
    Writer writer(tag_, with_compat());
    EXPECT_EQ(content_of(control()), std::string(tag_.size() + 33, '\0'));
}

TEST_F(CompatWriting, BytesAreThoseOf1x) {
    Writer writer(tag_, with_compat());
    const std::uint16_t elements[] = {1, 2, 3, 4, 5, 0xfffe};
    writer.write({elements, ArraySpec::contiguous(DType::UInt16, Shape{2, 3})});
    EXPECT_TRUE(old_.data().filename().string().starts_with(tag_ + "_"));
    const auto found = old_.read(2);
    EXPECT_TRUE(found.is_valid);
    EXPECT_LE(found.time, now());
    EXPECT_GT(found.time, now() - 60);
    EXPECT_EQ(found.header, big_endian(5, sizeof(void*)) + big_endian(2, sizeof(void*)) +
                                big_endian(2, sizeof(void*)) + big_endian(3, sizeof(void*)));
    EXPECT_EQ(found.elements, std::string(reinterpret_cast<const char*>(elements), sizeof elements));
}

TEST_F(CompatWriting, EveryDTypeHasTheIndexOfThatVersionThatHasIt) {
    const std::uint64_t indices[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 12, 14, 13};
    Writer writer(tag_, with_compat());
    for (std::uint32_t value = 0; value < dtype_count; ++value) {
        const auto spec = ArraySpec::contiguous(static_cast<DType>(value), Shape{3});
        const std::string elements = pattern(spec.bytes, value);
        ASSERT_NE(writer.write({elements.data(), spec}), 0U);
        const auto found = old_.read(1);
        EXPECT_TRUE(found.is_valid) << spec.to_string();
        EXPECT_EQ(found.header.substr(0, sizeof(void*)), big_endian(indices[value], sizeof(void*)));
        EXPECT_EQ(found.elements, elements) << spec.to_string();
    }
}

TEST_F(CompatWriting, TimeGrowsWithEveryFrame) {
    Writer writer(tag_, with_compat());
    double last = 0;
    for (int i = 0; i < 1000; ++i) {
        write_pattern(writer, spec_);
        const double time = old_.read(1).time;
        ASSERT_GT(time, last);
        last = time;
    }
}

TEST_F(CompatWriting, NewLayoutGetsANewFileAndTheOldOneGoes) {
    Writer writer(tag_, with_compat());
    write_pattern(writer, spec_);
    const Path first = old_.data();
    write_pattern(writer, spec_);
    EXPECT_EQ(old_.data(), first);
    write_pattern(writer, bytes_spec(77));
    EXPECT_NE(old_.data(), first);
    EXPECT_FALSE(std::filesystem::exists(first));
    EXPECT_EQ(old_.read(1).elements.size(), 77U);
}

TEST_F(CompatWriting, PaddedRowsAreWrittenTightly) {
    Writer writer(tag_, with_compat());
    const auto spec = ArraySpec::strided(DType::UInt8, Shape{2, 3}, std::vector<std::int64_t>{8, 1}, 16);
    WritableFrame frame = writer.acquire(spec);
    std::memcpy(frame.data(), "abc.....def.....", 16);
    writer.publish(std::move(frame));
    EXPECT_EQ(old_.read(2).elements, "abcdef");
}

TEST_F(CompatWriting, ForeignByteOrderIsConverted) {
    constexpr ByteOrder foreign = native_byte_order == ByteOrder::Little ? ByteOrder::Big : ByteOrder::Little;
    Writer writer(tag_, with_compat());
    writer.write({"abcd", ArraySpec::contiguous(DType::UInt16, Shape{2}, foreign)});
    EXPECT_EQ(old_.read(1).elements, "badc");
    writer.write({"abcdefgh", ArraySpec::contiguous(DType::Complex64, Shape{1}, foreign)});
    EXPECT_EQ(old_.read(1).elements, "dcbahgfe");
}

TEST_F(CompatWriting, FramesAreCompleteOrFlaggedInvalid) {
    constexpr std::uint64_t bytes = 300'000;
    Writer writer(tag_, with_compat());
    const ArraySpec spec = bytes_spec(bytes);
    const auto write = [&](std::uint64_t key) {
        const std::string elements = pattern(bytes, key);
        writer.write({elements.data(), spec});
    };
    write(0);
    std::jthread writing([&](const std::stop_token& stop) {
        for (std::uint64_t key = 1; !stop.stop_requested(); ++key)
            write(key);
    });
    constexpr unsigned enough = 30;
    unsigned valid = 0;
    std::uint64_t newest = 0;
    const auto read = [&] {
        const auto found = old_.read(1);
        if (!found.is_valid)
            return true;
        ++valid;
        const auto pixels = std::as_bytes(std::span(found.elements));
        const std::uint64_t before = newest;
        while (newest < before + 100'000 && !has_pattern(pixels, newest))
            ++newest;
        return has_pattern(pixels, newest);
    };
    EXPECT_TRUE(wait_until([&] { return !read() || valid >= enough; }));
    EXPECT_GE(valid, enough) << "torn, or too few to tell";
}

TEST_F(CompatWriting, ControlFileThatWasEmptiedIsRestoredByTheNextFrame) {
    Writer writer(tag_, with_compat());
    write_pattern(writer, spec_);
    std::filesystem::resize_file(control(), 0);
    write_pattern(writer, spec_);
    EXPECT_TRUE(old_.read(1).is_valid);
}

TEST_F(CompatWriting, ControlFileOf1xIsKeptForItsReaders) {
    put(control(), 0, std::string(tag_.size() + 33, '\0'));
    std::ifstream held(control(), std::ios::binary);
    {
        Writer writer(tag_, with_compat());
        write_pattern(writer, spec_);
        const std::string seen{std::istreambuf_iterator<char>(held), {}};
        EXPECT_EQ(directory_.path() / seen, old_.data());
    }
}

TEST_F(CompatWriting, ReadersOfOursUseOurFiles) {
    Writer writer(tag_, with_compat());
    Reader reader(tag_);
    write_pattern(writer, spec_);
    const Frame frame = reader.read(in_time);
    ASSERT_TRUE(frame);
    EXPECT_FALSE(frame.is_copy());
    writer.close();
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Disconnected);
    EXPECT_EQ(reader.read(50ms).status(), ReadStatus::Timeout);
}

/// So it is for a reader that looks for our control file just before the writer makes it, and for that of 1.x
/// just after the first frame.
TEST_F(CompatWriting, ReadersOfOursDoNotReadItsFilesOf1xThoughTheySeeNoOther) {
    Writer writer(tag_, with_compat());
    ASSERT_NE(write_pattern(writer, spec_), 0U);
    ASSERT_TRUE(old_.read(1).is_valid);
    const Path unseen = directory_.path() / "unseen";
    std::filesystem::rename(file(), unseen);
    Reader reader(tag_);
    EXPECT_EQ(reader.read(50ms).status(), ReadStatus::Timeout);
    std::filesystem::rename(unseen, file());
    const Frame frame = reader.read(in_time);
    EXPECT_FALSE(frame.is_copy());
    EXPECT_TRUE(is_intact(frame));
    EXPECT_EQ(reader.stats().frames, 1U);
}

TEST_F(CompatWriting, LastFrameOfAKilledWriterIsNotReadASecondTime) {
    RemoteWriter writer(tag_, with_compat());
    Reader reader(tag_);
    writer.write(1);
    ASSERT_TRUE(reader.read(in_time));
    writer.kill();
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Disconnected);
    EXPECT_EQ(reader.read(50ms).status(), ReadStatus::Timeout);
    Reader late(tag_);
    EXPECT_EQ(late.read(50ms).status(), ReadStatus::Timeout);
    directory_.clear();
}

TEST_F(CompatWriting, NextWriterRemovesWhatAKilledOneLeft) {
    for (const bool compat : {false, true}) {
        RemoteWriter killed(tag_, with_compat());
        killed.write(1);
        const Path left = old_.data();
        killed.kill();
        ASSERT_TRUE(std::filesystem::exists(left));
        WriterOptions options;
        options.compat = compat;
        const Writer next(tag_, options);
        EXPECT_FALSE(std::filesystem::exists(left));
        EXPECT_EQ(std::filesystem::exists(control()), compat);
    }
}

TEST_F(CompatWriting, FilesOfOthersAreLeft) {
    OldWriter other(directory_.path(), tag_);
    {
        Writer writer(tag_, with_compat());
        write_pattern(writer, spec_);
        other.write({10}, pattern(10, 1));  // takes the tag over, as 1.x does
    }
    EXPECT_TRUE(old_.read(1).is_valid);
    EXPECT_EQ(directory_.entries().size(), 2U);
    directory_.clear();
}

TEST_F(CompatWriting, PermissionsHold) {
    Writer writer(tag_, with_compat(0666));
    write_pattern(writer, spec_);
    for (const Path& path : {control(), old_.data()})
        EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(path).permissions()), 0644U) << path;
}

TEST_F(CompatWriting, ForeignFileInTheWayIsAnErrorAndUntouched) {
    put(control(), 0, "precious");
    const Error error = error_of([this] { const Writer writer(tag_, with_compat()); });
    EXPECT_EQ(error.code(), ErrorCode::Damaged);
    EXPECT_TRUE(contains(error.what(), control().string())) << error.what();
    EXPECT_EQ(content_of(control()), "precious");
    EXPECT_EQ(directory_.entries(), std::vector<std::string>{tag_});
    directory_.clear();
}

TEST_F(CompatWriting, LinkInTheWayIsAnErrorAndUntouched) {
    put(directory_.path() / "elsewhere", 0, "");
    std::filesystem::create_symlink("elsewhere", control());
    EXPECT_EQ(error_of([this] { const Writer writer(tag_, with_compat()); }).code(), ErrorCode::NotRegular);
    EXPECT_EQ(content_of(directory_.path() / "elsewhere"), "");
    directory_.clear();
}

TEST_F(CompatWriting, TagWhoseFilesWouldBeOursIsRefused) {
    const Writer other("a");
    EXPECT_EQ(error_of([] { const Writer writer("ndsh.a", with_compat()); }).code(),
              ErrorCode::InvalidArgument);
    EXPECT_EQ(directory_.entries(), (std::vector<std::string>{"ndsh.a", "ndsh.a.readers"}));
}

}  // namespace
}  // namespace ndsharray::test
