// SPDX-License-Identifier: BSD-3-Clause
// Segments with holes. Looking at a hole in a tmpfs makes memory of it, which is the looking process's to
// answer for. So readers look at no slot without memory, and refuse frames in such slots: a segment of a
// terabyte costs its owner nothing.
#include "core_test.hpp"
#include "limits.hpp"
#include "open_file.hpp"
#include "remote.hpp"

#include <ndsharray/tag_info.hpp>
#include <protocol/layout.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstddef>

namespace ndsharray::test {
namespace {

using layout::SegmentGeometry;
using layout::SegmentHeader;

/// Of a slot; its memory can be had where the test is seen to fail.
constexpr std::uint64_t huge = 256 * mebibyte;

class SparseSegment : public CoreTest {
  protected:
    void SetUp() override {
        struct statfs system {};
        ASSERT_EQ(::statfs(directory_.path().c_str(), &system), 0);
        constexpr long tmpfs = 0x01021994;
        if (system.f_type != tmpfs)
            GTEST_SKIP() << "elsewhere holes are not memory";
        writer_.emplace(tag_, WriterOptions{.slots = 3});
        writer_->write();
    }

    void TearDown() override {
        if (writer_)
            writer_->kill();
        directory_.clear();
    }

    static std::uint64_t allocated(const std::filesystem::path& path) {
        struct stat status {};
        EXPECT_EQ(::stat(path.c_str(), &status), 0);
        return static_cast<std::uint64_t>(status.st_blocks) * 512;
    }

    static SegmentGeometry geometry_in(const std::filesystem::path& path) {
        return OpenFile(path).get<SegmentGeometry>(offsetof(SegmentHeader, geometry));
    }

    /// Makes huge slots, without memory.
    static void inflate(const std::filesystem::path& path) {
        SegmentGeometry geometry = geometry_in(path);
        geometry.slot_bytes = geometry.frame_bytes = geometry.shape[0] = huge;
        geometry.ndim = 1;
        geometry.dtype = static_cast<std::uint32_t>(DType::UInt8);
        geometry.strides[0] = 1;
        geometry.file_bytes = geometry.data_offset + geometry.slot_count * huge;
        OpenFile(path).put(offsetof(SegmentHeader, geometry), geometry);
        ASSERT_EQ(::truncate(path.c_str(), static_cast<off_t>(geometry.file_bytes)), 0);
    }

    void expect_refused(const std::filesystem::path& path) const {
        for (const unsigned leases : {0U, 2U}) {
            Reader reader(tag_, with_leases(leases));
            EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Failed);
            EXPECT_EQ(reader.error().code(), ErrorCode::Damaged) << reader.error().what();
            EXPECT_TRUE(contains(reader.error().what(), path.string())) << reader.error().what();
        }
    }

    std::optional<RemoteWriter> writer_;
};

TEST_F(SparseSegment, OfAnySizeIsRefusedAndTakesNoMemory) {
    const std::filesystem::path path = segment_file();
    inflate(path);
    const std::uint64_t before = allocated(path);
    expect_refused(path);
    EXPECT_EQ(allocated(path), before);
}

TEST_F(SparseSegment, WithAHoleInAFrameIsRefused) {
    const std::filesystem::path path = segment_file();
    // In the first slot, which has the frame.
    const auto begin = static_cast<off_t>(geometry_in(path).data_offset);
    const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_EQ(::fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, begin, 4096), 0);
    ::close(file);
    expect_refused(path);
}

TEST_F(SparseSegment, WithAHoleInItsHeadersIsRefused) {
    const std::filesystem::path path = segment_file();
    const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_EQ(::fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
    ::close(file);
    const std::uint64_t before = allocated(path);
    expect_refused(path);
    EXPECT_EQ(allocated(path), before);
}

TEST_F(SparseSegment, OfFormat1_0IsRefusedWhateverSlotTheHoleIsIn) {
    const std::filesystem::path path = segment_file();
    OpenFile(path).put(offsetof(layout::Preamble, minor), std::uint16_t{0});
    const SegmentGeometry geometry = geometry_in(path);
    const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_EQ(::fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                          static_cast<off_t>(geometry.data_offset + 2 * geometry.slot_bytes), 4096),
              0);
    ::close(file);
    expect_refused(path);
}

TEST_F(SparseSegment, OfFormat1_0IsReadIfItHasNone) {
    OpenFile(segment_file()).put(offsetof(layout::Preamble, minor), std::uint16_t{0});
    Reader reader(tag_);
    EXPECT_TRUE(is_intact(reader.read(in_time)));
}

TEST_F(SparseSegment, OfAWriterGetsNoMemoryFromItsReaders) {
    writer_->close();
    Writer writer(tag_);
    ASSERT_NE(write_pattern(writer, bytes_spec(mebibyte)), 0U);
    const std::filesystem::path path = segment_file();
    std::uint64_t after = allocated(path);
    EXPECT_LT(after, 4 * mebibyte) << "three slots";
    for (const unsigned leases : {0U, 1U}) {
        Reader reader(tag_, with_leases(leases));
        for (int i = 0; i < 10; ++i) {
            ASSERT_TRUE(is_intact(reader.read(in_time)));
            EXPECT_EQ(reader.read(0ns).status(), ReadStatus::Timeout);
            EXPECT_EQ(allocated(path), after) << "nothing but the writer makes memory";
            ASSERT_NE(write_pattern(writer, bytes_spec(mebibyte)), 0U);
            after = allocated(path);
        }
    }
    EXPECT_LT(allocated(path), 5 * mebibyte) << "four slots";
}

TEST_F(SparseSegment, TakesNoMemoryWhenOnlyLookedAt) {
    const std::filesystem::path path = segment_file();
    inflate(path);
    const std::uint64_t before = allocated(path);
    EXPECT_EQ(inspect(tag_).spec.bytes, huge);
    EXPECT_EQ(allocated(path), before);
}

}  // namespace
}  // namespace ndsharray::test
