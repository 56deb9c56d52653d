// SPDX-License-Identifier: BSD-3-Clause
// What stays in memory of an old layout: no more than what somebody holds or may still want of it.
#include "core_test.hpp"
#include "remote.hpp"

#include <support/stopped.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

namespace ndsharray::test {
namespace {

/// Large beside a page: of a slot that is given back, what shares pages with its neighbours stays.
const std::size_t slot_bytes = 16 * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
constexpr unsigned slot_count = 8;

/// A slot counts when it has more memory than this leaves. With pages of 4096 bytes, at a multiple of which
/// slots begin, each page counts; with larger ones, a slot that was given back keeps the ends of its
/// neighbours.
const std::size_t counted_from = ::sysconf(_SC_PAGESIZE) == 4096 ? slot_bytes : slot_bytes / 2 + 1;

/// A segment that this test knows the memory of, also when it has lost its name.
class Looked {
  public:
    explicit Looked(const std::filesystem::path& path) : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    Looked(Looked&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
    ~Looked() {
        if (file_ >= 0)
            ::close(file_);
    }

    /// How many slots have memory; more than there are if it cannot be told.
    std::uint64_t slots() const {
        struct stat status {};
        if (::fstat(file_, &status) != 0)
            return slot_count + 1;
        const std::uint64_t header = static_cast<std::uint64_t>(status.st_size) - slot_count * slot_bytes;
        const std::uint64_t memory = static_cast<std::uint64_t>(status.st_blocks) * 512;
        return (memory - std::min(memory, header) + counted_from - 1) / slot_bytes;
    }

  private:
    int file_;
};

class OldLayout : public CoreTest {
  protected:
    /// A layout that no other has, but with slots of the same size.
    void change_layout() { writer_->configure(spec_, {{"layout", std::to_string(++layouts_)}}); }

    std::uint64_t publish() {
        WritableFrame frame = writer_->acquire(in_time);
        return frame ? publish(frame) : 0;
    }

    std::uint64_t publish(WritableFrame& frame) {
        const FrameInfo info{.offset = ++patterns_};
        fill_pattern({frame.data(), slot_bytes}, info.offset);
        return frame.is_published() ? 0 : writer_->publish_pinned(frame, info);
    }

    Looked look() const { return Looked(segment_file()); }

    const ArraySpec spec_ = bytes_spec(slot_bytes);
    std::optional<Writer> writer_{std::in_place, tag_, WriterOptions{.slots = slot_count}};
    int layouts_ = 0;
    std::uint64_t patterns_ = 0;
};

TEST_F(OldLayout, KeepsTheSlotOfAHeldFrameAndTheNewestOnly) {
    Reader reader(tag_);
    ASSERT_FALSE(reader.read(0ns));
    change_layout();
    ASSERT_NE(publish(), 0U);
    const Frame held = reader.read(in_time);
    ASSERT_TRUE(held && !held.is_copy());
    for (unsigned i = 0; i < 2 * slot_count; ++i)
        ASSERT_NE(publish(), 0U);
    const Looked old = look();
    const std::uint64_t before = old.slots();
    EXPECT_GT(before, 2U) << "the rest would say nothing";
    change_layout();
    EXPECT_EQ(old.slots(), before) << "nothing is taken before readers can go on";
    ASSERT_NE(publish(), 0U);
    EXPECT_EQ(old.slots(), 2U);
    EXPECT_TRUE(is_intact(held));
}

TEST_F(OldLayout, KeepsThePixelsOfFramesThatAreHeldOverManyLayouts) {
    constexpr unsigned each = 3;
    Reader reader(tag_, with_leases(max_slots));
    std::vector<Frame> held;
    std::vector<Looked> old;
    for (int layout = 0; layout < 5; ++layout) {
        change_layout();
        for (unsigned i = 0; i < each; ++i) {
            ASSERT_NE(publish(), 0U);
            held.push_back(reader.read(in_time));
            ASSERT_TRUE(held.back() && !held.back().is_copy()) << layout;
        }
        old.push_back(look());
    }
    old.pop_back();  // it is not old
    for (const Looked& one : old)
        EXPECT_EQ(one.slots(), each);
    for (const Frame& frame : held)
        EXPECT_TRUE(is_intact(frame)) << frame.number();
}

TEST_F(OldLayout, KeepsTheNewestFrameOnlyForReadersThatStay) {
    std::vector<std::unique_ptr<Reader>> readers;
    std::vector<Looked> old;
    for (int layout = 0; layout < 6; ++layout) {
        change_layout();
        readers.push_back(std::make_unique<Reader>(tag_));
        for (unsigned i = 0; i < 3; ++i) {
            ASSERT_NE(publish(), 0U);
            ASSERT_TRUE(readers.back()->read(in_time));
        }
        old.push_back(look());
    }
    old.pop_back();
    for (const Looked& one : old)
        EXPECT_EQ(one.slots(), 1U);
}

TEST_F(OldLayout, KeepsItsBoundForAStoppedReader) {
    RemoteReader reader(tag_);
    change_layout();
    ASSERT_TRUE(attach(reader, *writer_));
    ASSERT_NE(publish(), 0U);
    ASSERT_TRUE(reader.hold());
    ASSERT_NE(publish(), 0U);
    std::vector<Looked> old;
    {
        const Stopped stopped(reader.pid());
        for (int layout = 0; layout < 20; ++layout) {
            old.push_back(look());
            change_layout();
            ASSERT_NE(publish(), 0U);
        }
        EXPECT_EQ(old.front().slots(), 2U) << "its frame and the newest";
        for (const Looked& one : old)
            EXPECT_LE(one.slots(), 2U);
    }
    EXPECT_TRUE(reader.held_are_intact());
    EXPECT_TRUE(reader.read());
    reader.close();
}

/// What a reader of every frame has not taken yet, with and without backpressure.
class OldLayoutOfEveryFrame : public OldLayout, public ::testing::WithParamInterface<bool> {
  protected:
    void SetUp() override {
        writer_.reset();
        writer_.emplace(tag_, WriterOptions{.slots = slot_count, .backpressure = GetParam()});
    }
};

INSTANTIATE_TEST_SUITE_P(With, OldLayoutOfEveryFrame, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Backpressure" : "None"; });

TEST_P(OldLayoutOfEveryFrame, KeepsAllThatItsReaderHasNotTakenAndNoMore) {
    Reader reader(tag_, in_order());
    ASSERT_FALSE(reader.read(0ns));
    change_layout();
    ASSERT_NE(publish(), 0U);
    ASSERT_TRUE(reader.read(in_time));
    constexpr std::uint64_t behind = 5;  // more than have memory at first
    for (std::uint64_t i = 0; i < behind; ++i)
        ASSERT_NE(publish(), 0U);
    const Looked old = look();
    change_layout();
    ASSERT_NE(publish(), 0U);
    EXPECT_EQ(old.slots(), behind);
    for (std::uint64_t number = 2; number <= behind + 2; ++number) {
        const Frame frame = reader.read(in_time);
        ASSERT_TRUE(frame) << number;
        EXPECT_EQ(frame.number(), number);
        EXPECT_EQ(frame.missed(), 0U);
        EXPECT_TRUE(is_intact(frame)) << number;
    }
}

TEST_F(OldLayout, KeepsTheSlotsThatUpstreamHasUntilTheyComeBack) {
    Reader reader(tag_);
    ASSERT_FALSE(reader.read(0ns));
    change_layout();
    ASSERT_NE(publish(), 0U);
    ASSERT_TRUE(reader.read(in_time));
    std::array<WritableFrame, 3> out{writer_->acquire_pinned(in_time), writer_->acquire_pinned(in_time),
                                     writer_->acquire(in_time)};
    for (WritableFrame& frame : out)
        ASSERT_TRUE(frame);
    ASSERT_NE(publish(out[0]), 0U);
    const std::uint64_t published = patterns_;
    for (WritableFrame* frame : {&out[1], &out[2]})
        fill_pattern({frame->data(), slot_bytes}, 1000);
    ASSERT_NE(publish(), 0U);
    const Looked old = look();
    change_layout();
    ASSERT_NE(publish(), 0U);
    EXPECT_EQ(old.slots(), 1 + out.size());
    EXPECT_TRUE(has_pattern({out[0].data(), slot_bytes}, published));
    EXPECT_TRUE(has_pattern({out[1].data(), slot_bytes}, 1000));
    EXPECT_TRUE(has_pattern({out[2].data(), slot_bytes}, 1000));
    for (std::size_t left = out.size(); left > 0; --left) {
        out.at(left - 1).release();
        EXPECT_EQ(old.slots(), left);
    }
}

TEST_F(OldLayout, KeepsTheSlotsThatUpstreamHasOnlyWithoutAnyReader) {
    change_layout();
    ASSERT_NE(publish(), 0U);
    WritableFrame out = writer_->acquire_pinned(in_time);
    ASSERT_TRUE(out);
    const Looked old = look();
    change_layout();
    ASSERT_NE(publish(), 0U);
    EXPECT_EQ(old.slots(), 2U);
}

TEST_F(OldLayout, KeepsWhatIsHeldOnlyWhenTheWriterLeaves) {
    Reader reader(tag_);
    change_layout();
    ASSERT_NE(publish(), 0U);
    const Frame held = reader.read(in_time);
    ASSERT_TRUE(held);
    ASSERT_NE(publish(), 0U);
    const Looked old = look();
    writer_.reset();
    EXPECT_EQ(old.slots(), 2U);
    EXPECT_TRUE(is_intact(held));
    const Frame newest = reader.read(in_time);
    ASSERT_TRUE(newest) << "it can be taken still";
    EXPECT_TRUE(is_intact(newest));
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Disconnected);
}

TEST_F(OldLayout, KeepsAllWhereMemoryCannotBeGivenBack) {
    Reader reader(tag_);
    change_layout();
    ASSERT_NE(publish(), 0U);
    const Frame held = reader.read(in_time);
    ASSERT_TRUE(held);
    // The kernel refuses for locked memory, as it does for file systems that know no holes.
    std::vector<WritableFrame> all;
    while (all.empty() || all.back())
        all.push_back(writer_->acquire(0ns));
    all.pop_back();
    ASSERT_EQ(all.size(), slot_count - 1U);
    for (const WritableFrame& frame : all)  // near its begin; sanitizers make nothing of mlock(2)
        ASSERT_EQ(::syscall(SYS_mlock, frame.data() + slot_bytes / 16 - 1, 1), 0);
    all.clear();
    const Looked old = look();
    change_layout();
    ASSERT_NE(publish(), 0U);
    EXPECT_EQ(old.slots(), slot_count);
    EXPECT_TRUE(is_intact(held));
    const Frame next = reader.read(in_time);
    ASSERT_TRUE(next);
    EXPECT_TRUE(is_intact(next));
}

}  // namespace
}  // namespace ndsharray::test
