// SPDX-License-Identifier: BSD-3-Clause
// What is left in the file system: nothing after a clean end, nothing of a crash after the next writer.
#include "busy_watching_thread.hpp"
#include "core_test.hpp"
#include "remote.hpp"

#include <support/child_process.hpp>
#include <support/process_state.hpp>

#include <fstream>
#include <utility>

namespace ndsharray::test {
namespace {

using Names = std::vector<std::string>;

class Close : public CoreTest {
  protected:
    Names entries() const { return directory_.entries(); }

    /// What a killed writer leaves.
    void crash_a_writer() const {
        RemoteWriter writer(tag_);
        writer.write();
        writer.kill();
    }
};

TEST_F(Close, LeavesNothing) {
    Writer writer(tag_);
    write_pattern(writer, spec_);
    EXPECT_NE(entries(), Names{});
    writer.close();
    EXPECT_EQ(entries(), Names{});
}

TEST_F(Close, ByDestructionLeavesNothing) {
    {
        Writer writer(tag_);
        write_pattern(writer, spec_);
    }
    EXPECT_EQ(entries(), Names{});
}

TEST_F(Close, OfAProcessLeavesNothing) {
    RemoteWriter writer(tag_);
    writer.write();
    writer.close();
    EXPECT_EQ(entries(), Names{});
}

TEST_F(Close, FreesTheMemoryWhileTheWatchingThreadHasYetToTellOfTheFiles) {
    const BusyWatchingThread watching;
    ASSERT_TRUE(watching.is_busy());
    TagWatch watch;
    const unsigned before = process_state().tag_mappings;
    {
        Writer writer(tag_);
        write_pattern(writer, spec_);
        std::ofstream(file(), std::ios::app).close();
        watch.wait(0ns);  // takes what happened; the thread is to tell the writer of it
    }
    EXPECT_EQ(process_state().tag_mappings, before);
}

/// Leaves main() while a Writer and a Reader with static storage are open.
int end_with_static_objects(Channel&, const Arguments& arguments) {
    static Writer writer(arguments.at(0));
    static Reader reader(arguments.at(0));
    write_pattern(writer, bytes_spec(10));
    static const Frame frame = reader.read(patience);
    return frame ? 0 : 1;
}
const RegisteredRole end_with_static_objects_role("end_with_static_objects", end_with_static_objects);

TEST_F(Close, AtTheEndOfTheProcessLeavesNothing) {
    ChildProcess process("end_with_static_objects", {tag_});
    EXPECT_EQ(process.wait_for_exit(), 0);
    EXPECT_EQ(entries(), Names{});
}

TEST_F(Close, WithoutAFrameLeavesNothing) {
    { Writer writer(tag_); }
    EXPECT_EQ(entries(), Names{});
}

TEST_F(Close, AfterManyLayoutsLeavesNothing) {
    Writer writer(tag_);
    for (std::uint64_t bytes = 1; bytes < 20; ++bytes)
        write_pattern(writer, bytes_spec(bytes));
    writer.close();
    EXPECT_EQ(entries(), Names{});
}

TEST_F(Close, WithReadersAndHeldFramesLeavesNothing) {
    Writer writer(tag_);
    Reader reader(tag_);
    RemoteReader remote(tag_);
    write_pattern(writer, spec_);
    const Frame held = reader.read(in_time);
    ASSERT_TRUE(remote.hold());
    WritableFrame filling = writer.acquire();
    writer.close();
    EXPECT_EQ(entries(), Names{});
    EXPECT_TRUE(is_intact(held));
    EXPECT_TRUE(remote.held_are_intact());
}

TEST_F(Close, OfAReaderWithoutAWriterLeavesNothing) {
    {
        Reader reader(tag_);
        reader.read(10ms);
        EXPECT_EQ(entries(), Names{});
    }
    EXPECT_EQ(entries(), Names{});
}

TEST_F(Close, OfAReaderTakesNothingFromTheWriter) {
    Writer writer(tag_);
    write_pattern(writer, spec_);
    const Names before = entries();
    {
        Reader reader(tag_);
        ASSERT_TRUE(reader.read(in_time));
    }
    EXPECT_EQ(entries(), before);
}

TEST_F(Close, MayBeCalledTwice) {
    Writer writer(tag_);
    writer.close();
    writer.close();
}

TEST_F(Close, EndsEveryUse) {
    Writer writer(tag_);
    WritableFrame frame = writer.acquire(spec_);
    writer.close();
    EXPECT_EQ(writer.publish(std::move(frame)), 0U);
    EXPECT_EQ(writer.acquire(0ns).status(), WriteStatus::Closed);
    EXPECT_EQ(error_of([&] { writer.configure(bytes_spec(10)); }).code(), ErrorCode::Closed);
    EXPECT_EQ(writer.wait_for_reader(0ns), WriteStatus::Closed);
}

TEST_F(Close, DoesNotTakeTheTagFromASuccessor) {
    Writer first(tag_);
    first.close();
    Writer second(tag_);
    first.close();
    Reader reader(tag_);
    write_pattern(second, spec_);
    EXPECT_TRUE(reader.read(in_time));
}

TEST_F(Close, NeverConfiguredWriterIsClosedToAcquire) {
    Writer writer(tag_);
    EXPECT_EQ(writer.acquire(0ns).status(), WriteStatus::Closed);
}

TEST_F(Close, LeftoversOfACrashGoWithTheNextWriter) {
    crash_a_writer();
    EXPECT_NE(entries(), Names{});
    { Writer next(tag_); }
    EXPECT_EQ(entries(), Names{});
}

TEST_F(Close, SeveralSegmentsOfACrashGoWithTheNextWriter) {
    crash_a_writer();
    for (const char digit : {'1', '2', '3'})
        std::filesystem::copy(segment_file(), file("." + std::string(32, digit)));
    Writer next(tag_);
    write_pattern(next, spec_);
    for (const char digit : {'1', '2', '3'})
        EXPECT_FALSE(std::filesystem::exists(file("." + std::string(32, digit))));
}

TEST_F(Close, SegmentsWithoutAControlFileGoWithTheNextWriter) {
    crash_a_writer();
    std::filesystem::remove(file());
    { Writer next(tag_); }
    EXPECT_EQ(entries(), Names{});
}

TEST_F(Close, ControlFileWithoutAReaderTableIsTakenOver) {
    crash_a_writer();
    std::filesystem::remove(file(".readers"));
    Writer next(tag_);
    Reader reader(tag_);
    write_pattern(next, spec_);
    const Frame frame = reader.read(in_time);
    EXPECT_TRUE(frame);
    EXPECT_FALSE(frame.is_copy());
}

TEST_F(Close, LeftoversOfATagThatIsLongerStay) {
    RemoteWriter longer("cam0.left");
    longer.write();
    const Names before = entries();
    crash_a_writer();
    { Writer next(tag_); }
    EXPECT_EQ(entries(), before);
    longer.close();
}

}  // namespace
}  // namespace ndsharray::test
