// SPDX-License-Identifier: BSD-3-Clause
// Files whose numbers lie: each wrong number in a segment is found before it is used, and words that change
// while they are looked at lead nowhere.
#include "core_test.hpp"
#include "open_file.hpp"
#include "remote.hpp"

#include <ndsharray/tag_info.hpp>
#include <protocol/layout.hpp>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

namespace ndsharray::test {
namespace {

using layout::ControlFile;
using layout::SegmentGeometry;
using layout::SegmentHeader;
using layout::SlotHeader;

/// A lie in the geometry of a segment of three slots of 100 x 50 bytes, with attributes and metadata.
struct Lie {
    std::string name;
    void (*tell)(SegmentGeometry&);
};

void PrintTo(const Lie& lie, std::ostream* out) {
    *out << lie.name;
}

const Lie lies[] = {
    {"FileBytesTooMany", [](SegmentGeometry& g) { g.file_bytes += 4096; }},
    {"FileBytesTooFew", [](SegmentGeometry& g) { g.file_bytes -= 4096; }},
    {"FileBytesMost", [](SegmentGeometry& g) { g.file_bytes = most; }},
    {"NoSlots", [](SegmentGeometry& g) { g.slot_count = 0; }},
    {"TwoSlots", [](SegmentGeometry& g) { g.slot_count = 2; }},
    {"OneSlotMoreThanThereIsRoomFor", [](SegmentGeometry& g) { g.slot_count = 4; }},
    {"ThirtyThreeSlots", [](SegmentGeometry& g) { g.slot_count = 33; }},
    {"MostSlots", [](SegmentGeometry& g) { g.slot_count = 0xffffffff; }},
    {"AnotherGeneration", [](SegmentGeometry& g) { g.generation += 1; }},
    {"SlotHeadersUnaligned", [](SegmentGeometry& g) { g.slot_headers_offset += 8; }},
    {"SlotHeadersOverTheHeader", [](SegmentGeometry& g) { g.slot_headers_offset = 0; }},
    {"SlotHeadersOverThePixels", [](SegmentGeometry& g) { g.slot_headers_offset = g.data_offset - 64; }},
    {"SlotHeadersPastTheEnd", [](SegmentGeometry& g) { g.slot_headers_offset = g.file_bytes; }},
    {"SlotHeadersAtTheEndOfNumbers", [](SegmentGeometry& g) { g.slot_headers_offset = most - 63; }},
    {"SlotHeadersAllInOnePlace", [](SegmentGeometry& g) { g.slot_header_bytes = 0; }},
    {"SlotHeadersOverlapping", [](SegmentGeometry& g) { g.slot_header_bytes = 128; }},
    {"SlotHeaderBytesUnaligned", [](SegmentGeometry& g) { g.slot_header_bytes += 8; }},
    {"SlotHeaderBytesMost", [](SegmentGeometry& g) { g.slot_header_bytes = most - 63; }},
    {"SlotHeaderBytesThatWrap", [](SegmentGeometry& g) { g.slot_header_bytes = most / 3 / 64 * 64 + 64; }},
    {"DataUnaligned", [](SegmentGeometry& g) { g.data_offset += 64; }},
    {"DataPastTheEnd", [](SegmentGeometry& g) { g.data_offset = g.file_bytes; }},
    {"DataOverTheHeaders", [](SegmentGeometry& g) { g.data_offset = 0; }},
    {"DataAtTheEndOfNumbers", [](SegmentGeometry& g) { g.data_offset = most - 4095; }},
    {"SlotsWithoutBytes", [](SegmentGeometry& g) { g.slot_bytes = 0; }},
    {"SlotBytesUnaligned", [](SegmentGeometry& g) { g.slot_bytes -= 1; }},
    {"SlotBytesTooMany", [](SegmentGeometry& g) { g.slot_bytes += 4096; }},
    {"SlotBytesThatWrap", [](SegmentGeometry& g) { g.slot_bytes = most / 3 / 4096 * 4096 + 4096; }},
    {"SlotBytesMost", [](SegmentGeometry& g) { g.slot_bytes = most - 4095; }},
    {"AttributesOverTheHeader", [](SegmentGeometry& g) { g.attributes_offset = 64; }},
    {"AttributesPastTheEnd", [](SegmentGeometry& g) { g.attributes_offset = g.file_bytes; }},
    {"AttributesAtTheEndOfNumbers", [](SegmentGeometry& g) { g.attributes_offset = most; }},
    {"AttributesOverTheSlotHeaders", [](SegmentGeometry& g) { g.attributes_bytes += 4096; }},
    {"AttributesMost", [](SegmentGeometry& g) { g.attributes_bytes = most; }},
    {"AttributesOneByteShort", [](SegmentGeometry& g) { g.attributes_bytes -= 1; }},
    {"MetadataOverTheNextSlot", [](SegmentGeometry& g) { g.metadata_capacity = g.slot_header_bytes; }},
    {"MetadataMost", [](SegmentGeometry& g) { g.metadata_capacity = most; }},
    {"UnknownDtype", [](SegmentGeometry& g) { g.dtype = 16; }},
    {"MostDtype", [](SegmentGeometry& g) { g.dtype = 0xffffffff; }},
    {"UnknownByteOrder", [](SegmentGeometry& g) { g.byte_order = 2; }},
    {"OneDimensionTooMany", [](SegmentGeometry& g) { g.ndim = max_dimensions + 1; }},
    {"AThousandDimensions", [](SegmentGeometry& g) { g.ndim = 1000; }},
    {"MostDimensions", [](SegmentGeometry& g) { g.ndim = 0xffffffff; }},
    {"ShapeLargerThanTheSlot", [](SegmentGeometry& g) { g.shape[0] += 1; }},
    {"ShapeMost", [](SegmentGeometry& g) { g.shape[0] = g.shape[1] = most; }},
    {"ShapeWhoseProductWraps", [](SegmentGeometry& g) { g.shape[0] = g.shape[1] = std::uint64_t{1} << 32; }},
    {"StrideThatLeavesTheSlot", [](SegmentGeometry& g) { g.strides[0] = 51; }},
    {"StrideBackwards", [](SegmentGeometry& g) { g.strides[0] = -50; }},
    {"StrideLeast", [](SegmentGeometry& g) { g.strides[0] = std::numeric_limits<std::int64_t>::min(); }},
    {"StrideMost", [](SegmentGeometry& g) { g.strides[0] = std::numeric_limits<std::int64_t>::max(); }},
    {"ElementsInOnePlace", [](SegmentGeometry& g) { g.strides[0] = g.strides[1] = 0; }},
    {"ElementsThatOverlap", [](SegmentGeometry& g) { g.strides[0] = 49; }},
    {"FrameBytesPastTheSlot", [](SegmentGeometry& g) { g.frame_bytes = g.slot_bytes + 1; }},
    {"FrameBytesMost", [](SegmentGeometry& g) { g.frame_bytes = most; }},
    {"FrameBytesFewerThanTheArray", [](SegmentGeometry& g) { g.frame_bytes -= 1; }},
};

/// A tag with one frame and all that a segment can have.
class HostileFile : public CoreTest {
  protected:
    void SetUp() override {
        WriterOptions options;
        options.slots = 3;
        options.metadata_capacity = 100;
        writer_.emplace(tag_, options);
        const std::uint64_t shape[] = {100, 50};
        writer_->configure(ArraySpec::contiguous(DType::UInt8, shape), {{"caps", "video/x-raw"}, {"k", ""}});
        write();
    }

    /// \returns the frame's number.
    std::uint64_t write() {
        const std::vector<std::byte> metadata(8, std::byte{1});
        WritableFrame frame = writer_->acquire(in_time);
        fill_pattern({frame.data(), 5000}, 1);
        return writer_->publish(std::move(frame), {}, metadata);
    }

    SegmentGeometry geometry() const {
        return OpenFile(segment_file()).get<SegmentGeometry>(offsetof(SegmentHeader, geometry));
    }

    std::size_t slot_offset(unsigned slot) const {
        const SegmentGeometry now = geometry();
        return static_cast<std::size_t>(now.slot_headers_offset + slot * now.slot_header_bytes);
    }

    void expect_damaged(const std::filesystem::path& path, const ReaderOptions& options = {}) {
        Reader reader(tag_, options);
        EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Failed);
        EXPECT_EQ(reader.error().code(), ErrorCode::Damaged) << reader.error().what();
        EXPECT_TRUE(contains(reader.error().what(), path.string())) << reader.error().what();
    }

    std::optional<Writer> writer_;
};

class LyingGeometry : public HostileFile, public ::testing::WithParamInterface<Lie> {};

INSTANTIATE_TEST_SUITE_P(With, LyingGeometry, ::testing::ValuesIn(lies),
                         [](const auto& info) { return info.param.name; });

TEST_P(LyingGeometry, FailsTheReaderNamingTheSegment) {
    SegmentGeometry wrong = geometry();
    GetParam().tell(wrong);
    OpenFile(segment_file()).put(offsetof(SegmentHeader, geometry), wrong);
    expect_damaged(segment_file());
}

TEST_F(HostileFile, WithoutALieIsRead) {
    OpenFile(segment_file()).put(offsetof(SegmentHeader, geometry), geometry());
    Reader reader(tag_);
    const Frame frame = reader.read(in_time);
    EXPECT_TRUE(has_pattern(pixels_of(frame), 1));
    EXPECT_EQ(frame.metadata().size(), 8U);
    EXPECT_EQ(frame.attributes().size(), 2U);
}

TEST_F(HostileFile, OfAnotherTagsLifeFailsTheReader) {
    OpenFile(segment_file()).put(16, std::uint64_t{1});  // instance
    expect_damaged(segment_file());
}

TEST_F(HostileFile, WithAttributesThatEndPastTheirPlaceFailsTheReader) {
    for (const std::uint32_t length : {20U, 0x7fffffffU, 0xffffffffU}) {
        OpenFile(segment_file()).put(static_cast<std::size_t>(geometry().attributes_offset), length);
        expect_damaged(segment_file());
    }
}

// ---- words that a reader looks at for every frame

TEST_F(HostileFile, WhoseNewestFrameIsNowhereHasNoFrame) {
    const std::uint64_t places[] = {(1U << 8) | 3, (1U << 8) | 0xff,     most,
                                    most - 0xff,   layout::pack({1, 1}), layout::pack({2, 0})};
    const OpenFile segment(segment_file());
    for (const std::uint64_t place : places)
        for (const ReadMode mode : {ReadMode::Latest, ReadMode::Every})
            for (const unsigned leases : {0U, 2U}) {
                segment.put(offsetof(SegmentHeader, latest), place);
                Reader reader(tag_, reading(mode, leases));
                EXPECT_NE(reader.read(0ns).status(), ReadStatus::Failed) << place;
                segment.put(offsetof(SegmentHeader, latest), layout::pack({1, 0}));
                EXPECT_EQ(
                    reader.read(mode == ReadMode::Latest ? in_time : 0ns).status() == ReadStatus::Failed,
                    false);
            }
}

TEST_F(HostileFile, WithMoreMetadataThanThereIsRoomForHasAsMuchAsThereIs) {
    OpenFile(segment_file()).put(slot_offset(0) + offsetof(SlotHeader, metadata_bytes), most);
    for (const unsigned leases : {0U, 2U}) {
        Reader reader(tag_, with_leases(leases));
        const Frame frame = reader.read(in_time);
        ASSERT_TRUE(frame);
        EXPECT_EQ(frame.metadata().size(), 100U);
    }
}

TEST_F(HostileFile, WithATimeBeforeAllTimesIsAsOldAsCanBe) {
    const std::size_t published = offsetof(SlotHeader, info) + offsetof(FrameInfo, published);
    OpenFile(segment_file()).put(slot_offset(0) + published, no_time);
    Reader reader(tag_);
    EXPECT_EQ(reader.read(in_time).age(), std::chrono::nanoseconds::max());
}

TEST_F(HostileFile, WithATimeToComeIsNewlyMade) {
    const std::size_t published = offsetof(SlotHeader, info) + offsetof(FrameInfo, published);
    for (const std::int64_t time :
         {std::numeric_limits<std::int64_t>::max(),
          std::chrono::steady_clock::now().time_since_epoch().count() + std::int64_t{1'000'000'000'000}}) {
        OpenFile(segment_file()).put(slot_offset(0) + published, time);
        Reader reader(tag_);
        EXPECT_EQ(reader.read(in_time).age(), 0ns) << time;
        const TagInfo info = inspect(tag_);
        ASSERT_EQ(info.readers.size(), 1U);
        EXPECT_EQ(info.readers[0].latency_ns, 0U) << time;
    }
}

/// Changes a word to and fro on a thread of its own, for as long as it lives.
class Flicker {
  public:
    Flicker(const std::filesystem::path& path, std::size_t offset, std::uint64_t one, std::uint64_t other)
        : thread_([this, path, offset, one, other] {
              const OpenFile file(path);
              while (!ended_) {
                  file.put(offset, one);
                  file.put(offset, other);
              }
          }) {}
    ~Flicker() {
        ended_ = true;
        thread_.join();
    }
    Flicker(const Flicker&) = delete;
    Flicker& operator=(const Flicker&) = delete;

  private:
    std::atomic<bool> ended_{false};
    std::thread thread_;
};

TEST_F(HostileFile, WhoseMetadataChangesItsLengthIsLookedAtOnce) {
    const Flicker flicker(segment_file(), slot_offset(0) + offsetof(SlotHeader, metadata_bytes), 8, most);
    for (const unsigned leases : {0U, 2U})
        for (int i = 0; i < 2000; ++i) {
            Reader reader(tag_, with_leases(leases));
            const Frame frame = reader.read(in_time);
            ASSERT_TRUE(frame);
            ASSERT_TRUE(frame.metadata().size() == 8 || frame.metadata().size() == 100)
                << frame.metadata().size();
        }
}

TEST_F(HostileFile, WhoseStatesChangeGivesWholeFramesOrNone) {
    const Flicker flicker(segment_file(), slot_offset(0), 2, most);
    unsigned frames = 0;
    for (int i = 0; i < 500; ++i)
        for (const ReadMode mode : {ReadMode::Latest, ReadMode::Every}) {
            Reader reader(tag_, reading(mode, i % 2 == 0 ? 2 : 0));
            const Frame frame = reader.read(0ns);
            ASSERT_NE(frame.status(), ReadStatus::Failed);
            if (!frame)
                continue;
            ++frames;
            ASSERT_EQ(frame.number(), 1U);
            ASSERT_TRUE(has_pattern(pixels_of(frame), 1));
        }
    EXPECT_GT(frames, 0U);
}

TEST_F(HostileFile, WhoseStatesAreGarbageHasNoFrame) {
    const OpenFile segment(segment_file());
    for (unsigned slot = 0; slot < 3; ++slot)
        segment.put(slot_offset(slot), most - slot);
    segment.put(offsetof(SegmentHeader, latest), most - 0xff);
    for (const ReadMode mode : {ReadMode::Latest, ReadMode::Every}) {
        Reader reader(tag_, reading(mode));
        EXPECT_EQ(reader.read(0ns).status(), ReadStatus::Timeout);
    }
}

// ---- the control file

TEST_F(HostileFile, ThatAnnouncesNoSegmentFailsTheReader) {
    OpenFile(file()).put(offsetof(ControlFile, segment_id), most);
    expect_damaged(directory_.path());
}

TEST_F(HostileFile, WithUnknownStatesNeitherEndsNorStopsTheReader) {
    const OpenFile control(file());
    for (const std::uint32_t state : {5U, 77U, 0xffffffffU}) {
        control.put(offsetof(ControlFile, state), state);
        Reader reader(tag_);
        EXPECT_EQ(reader.read(0ns).status(), ReadStatus::Timeout);
        control.put(offsetof(ControlFile, state), std::uint32_t{1});
        EXPECT_TRUE(reader.read(0ns));
    }
}

TEST_F(HostileFile, WithMoreFramesThanCanBeFailsTheReaderInEitherMode) {
    const OpenFile control(file());
    for (const std::uint64_t published : {most, most - 1, std::uint64_t{1} << 63, layout::max_frame + 1}) {
        control.put(offsetof(ControlFile, published), published);
        for (const ReadMode mode : {ReadMode::Latest, ReadMode::Every})
            expect_damaged(file(), reading(mode));
    }
}

TEST_F(HostileFile, OfADeadWriterWhoseStateNeverStopsChangingEndsInADisconnect) {
    writer_.reset();
    RemoteWriter dead(tag_);
    dead.write();
    for (int i = 0; i < 20; ++i) {
        Reader reader(tag_);
        reader.read(0ns);
        const Flicker flicker(file(), offsetof(ControlFile, state), 2, 1);
        dead.kill();
        ReadStatus status = ReadStatus::Timeout;
        ASSERT_TRUE(wait_until([&] {
            status = reader.read(10ms).status();
            return status == ReadStatus::Disconnected || !reader.attached();
        })) << name(status);
    }
    writer_.emplace(tag_);
}

TEST_F(HostileFile, OfADeadWriterWithMoreFramesThanCanBeIsReplaced) {
    writer_.reset();
    for (const std::uint64_t published : {most, most - 1, std::uint64_t{1} << 56}) {
        {
            RemoteWriter dead(tag_);
            dead.write();
            dead.kill();
        }
        OpenFile(file()).put(offsetof(ControlFile, published), published);
        Writer writer(tag_);
        EXPECT_EQ(write_pattern(writer, spec_), 1U);
        Reader reader(tag_);
        EXPECT_TRUE(is_intact(reader.read(in_time)));
    }
}

}  // namespace
}  // namespace ndsharray::test
