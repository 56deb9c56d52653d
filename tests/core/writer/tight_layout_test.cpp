// SPDX-License-Identifier: BSD-3-Clause
// A change of layout without room for two segments: with backpressure, readers first get what was promised.
#include "core_test.hpp"
#include "limits.hpp"
#include "remote.hpp"
#include "scenes.hpp"

#include <support/background_call.hpp>
#include <support/small_file_system.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <future>
#include <optional>
#include <string>
#include <thread>

namespace ndsharray::test {
namespace {

using namespace std::chrono_literals;

const WriterOptions waiting_writer{.slots = 3, .backpressure = true};

/// The layout of the n-th frame: another one every time, or every second time.
ArraySpec layout_of(std::uint64_t frame, std::uint64_t frames_per_layout) {
    return bytes_spec(mebibyte - frame / frames_per_layout % 50 * 5000);
}

/// Takes all frames up to this one. \returns what went wrong first, or nothing.
std::string problem_up_to(Reader& reader, std::uint64_t last) {
    for (std::uint64_t number = 1; number <= last; ++number) {
        const Frame frame = reader.read(patience);
        if (!frame)
            return "no frame " + std::to_string(number);
        if (frame.number() != number || frame.missed() != 0)
            return "frame " + std::to_string(frame.number()) + " instead of " + std::to_string(number);
        if (!is_intact(frame))
            return "frame " + std::to_string(number) + " is not what it was";
        if (number % 7 == 0)
            std::this_thread::sleep_for(3ms);  // a reader that is behind now and then
    }
    return {};
}

/// Writes frames of changing layouts while a thread reads them.
std::string every_frame_in(std::uint64_t mebibytes, std::uint64_t frames_per_layout, const std::string& tag) {
    constexpr std::uint64_t frames = 60;
    if (!mount_small_file_system(mebibytes * mebibyte))
        return "not permitted";
    Writer writer(tag, waiting_writer);
    Reader reader(tag, in_order());
    auto problem = std::async(std::launch::async, [&] { return problem_up_to(reader, frames); });
    if (writer.wait_for_reader(patience) != WriteStatus::Ok)
        return "no reader";
    for (std::uint64_t frame = 0; frame < frames; ++frame) {
        if (write_pattern(writer, layout_of(frame, frames_per_layout)) == 0)
            return "frame " + std::to_string(frame + 1) + " could not be written; " + problem.get();
    }
    const std::string found = problem.get();
    return found.empty() ? "all" : found;
}

/// A writer whose next layout has no room beside the one that its reader has not taken yet.
struct Standstill {
    explicit Standstill(const std::string& tag) : writer(tag, waiting_writer) {
        reader.emplace(tag, in_order());
        write_pattern(writer, old_layout);
        reader->read(patience);
        for (int i = 0; i < 2; ++i)
            write_pattern(writer, old_layout);
    }

    /// Asks for the new layout. For a thread of its own.
    WriteStatus ask() { return writer.acquire(new_layout, patience).status(); }

    /// Whether the reader gets what it had not taken, the writer's layout is as before, and then the new one
    /// passes.
    std::string goes_on() {
        const std::string segment = writer.segment_name();
        for (std::uint64_t number = 2; number <= 3; ++number) {
            const Frame frame = reader->read(patience);
            if (!frame || !is_intact(frame) || frame.number() != number)
                return "frame " + std::to_string(number) + " is lost";
        }
        if (write_pattern(writer, old_layout) != 4 || writer.segment_name() != segment)
            return "the old layout is not usable";
        if (reader->read(patience).number() != 4)
            return "frame 4 is lost";
        if (write_pattern(writer, new_layout) != 5 || reader->read(patience).number() != 5)
            return "the new layout does not pass";
        return "goes on";
    }

    const ArraySpec old_layout = bytes_spec(mebibyte);
    const ArraySpec new_layout = bytes_spec(mebibyte - 5000);
    Writer writer;
    std::optional<Reader> reader;
};

}  // namespace

const RegisteredScenes tight_layout_scenes({
    {"mount_for_tight_layouts",
     [](const std::string&) -> std::string {
         return mount_small_file_system(mebibyte) ? "mounted" : "not permitted";
     }},
    {"5 MiB", [](const std::string& tag) { return every_frame_in(5, 1, tag); }},
    {"6 MiB", [](const std::string& tag) { return every_frame_in(6, 1, tag); }},
    {"7 MiB", [](const std::string& tag) { return every_frame_in(7, 1, tag); }},
    {"5 MiB, full layouts", [](const std::string& tag) { return every_frame_in(5, 3, tag); }},
    {"timeout",
     [](const std::string& tag) -> std::string {
         mount_small_file_system(5 * mebibyte);
         Standstill scene(tag);
         const WritableFrame frame = scene.writer.acquire(scene.new_layout, 50ms);
         return std::string(name(frame.status())) + ", " + scene.goes_on();
     }},
    {"cancel",
     [](const std::string& tag) -> std::string {
         mount_small_file_system(5 * mebibyte);
         Standstill scene(tag);
         BackgroundCall<WriteStatus> asking([&] { return scene.ask(); });
         if (!asking.blocks())
             return "did not wait";
         const auto cancelled = std::chrono::steady_clock::now();
         scene.writer.cancel();
         const std::string said(name(asking.result()));
         const bool at_once = std::chrono::steady_clock::now() - cancelled < 1s;
         const Error error = error_of([&] { scene.writer.configure(scene.new_layout); });
         scene.writer.resume();
         return said + (at_once ? " at once, " : " late, ") + code_of(error) + ", " + scene.goes_on();
     }},
    {"close",
     [](const std::string& tag) -> std::string {
         mount_small_file_system(5 * mebibyte);
         Standstill scene(tag);
         BackgroundCall<Error> asking(
             [&] { return error_of([&] { scene.writer.configure(scene.new_layout); }); });
         if (!asking.blocks())
             return "did not wait";
         scene.writer.close();
         return code_of(asking.result());
     }},
    {"reader that leaves",
     [](const std::string& tag) -> std::string {
         mount_small_file_system(5 * mebibyte);
         Standstill scene(tag);
         BackgroundCall<WriteStatus> asking([&] { return scene.ask(); });
         if (!asking.blocks())
             return "did not wait";
         scene.reader.reset();
         return std::string(name(asking.result()));
     }},
    {"reader that is killed",
     [](const std::string& tag) -> std::string {
         mount_small_file_system(5 * mebibyte);
         const ArraySpec old_layout = bytes_spec(mebibyte), new_layout = bytes_spec(mebibyte - 5000);
         Writer writer(tag, waiting_writer);
         RemoteReader reader(tag, in_order());
         if (!attach(reader, writer))
             return "no reader";
         for (int i = 0; i < 3; ++i)
             write_pattern(writer, old_layout);
         reader.hold();
         BackgroundCall<WriteStatus> asking([&] { return writer.acquire(new_layout, patience).status(); });
         if (!asking.blocks())
             return "did not wait";
         reader.kill();
         return std::string(name(asking.result()));
     }},
    {"reader that comes between layouts",
     [](const std::string& tag) -> std::string {
         mount_small_file_system(1200 * 1024);
         Writer writer(tag, waiting_writer);
         write_pattern(writer, bytes_spec(300'000));
         writer.configure(bytes_spec(350'000));  // there is no room for both: none is announced now
         Reader reader(tag, in_order());
         BackgroundCall<Frame> reading([&] { return reader.read(patience); });
         if (!reading.blocks() || writer.wait_for_reader(patience) != WriteStatus::Ok)
             return "no reader";
         std::string said(name(writer.drain(1s)));
         const bool written = write_pattern(writer, bytes_spec(350'000)) == 2;
         const Frame frame = reading.result();
         said += written && frame.number() == 2 && frame.missed() == 0 ? ", passes, " : ", is lost, ";
         return said + std::string(name(writer.drain(patience)));
     }},
    {"reader that comes to new files",
     [](const std::string& tag) -> std::string {
         Writer writer(tag, waiting_writer);
         write_pattern(writer, bytes_spec(5000));
         std::filesystem::remove(directory() + "/ndsh." + tag);
         // Seen a moment later: the frame that finds it so starts new files, and is given back.
         while (writer.stats().generation == 1)
             static_cast<void>(writer.acquire(patience));
         Reader reader(tag, in_order());
         BackgroundCall<Frame> reading([&] { return reader.read(patience); });
         if (!reading.blocks() || writer.wait_for_reader(patience) != WriteStatus::Ok)
             return "no reader";
         const std::string said(name(writer.drain(1s)));
         return said + (write_pattern(writer, bytes_spec(5000)) == 2 && reading.result() ? ", passes" : "");
     }},
    {"no backpressure",
     [](const std::string& tag) -> std::string {
         mount_small_file_system(5 * mebibyte);
         Writer writer(tag, {.slots = 3});
         Reader reader(tag, in_order());
         for (std::uint64_t frame = 0; frame < 10; ++frame)
             if (write_pattern(writer, layout_of(frame, 1)) == 0)
                 return "waits";
         return "does not wait";
     }},
});

namespace {

class TightLayout : public SceneTest {
  protected:
    void SetUp() override {
        if (outcome_of("mount_for_tight_layouts") != "mounted")
            GTEST_SKIP() << "it takes root to mount a small file system";
    }
};

TEST_F(TightLayout, LosesNoFrameInRoomForOneAndAHalf) {
    EXPECT_EQ(outcome_of("5 MiB"), "all");
}

TEST_F(TightLayout, LosesNoFrameInRoomForNearlyTwo) {
    EXPECT_EQ(outcome_of("6 MiB"), "all");
}

TEST_F(TightLayout, LosesNoFrameInRoomForTwo) {
    EXPECT_EQ(outcome_of("7 MiB"), "all");
}

TEST_F(TightLayout, LosesNoFrameOfASegmentFullOfFramesToBeTaken) {
    EXPECT_EQ(outcome_of("5 MiB, full layouts"), "all");
}

TEST_F(TightLayout, LeavesTheOldLayoutInUseAtTheTimeout) {
    EXPECT_EQ(outcome_of("timeout"), "Timeout, goes on");
}

TEST_F(TightLayout, LeavesTheOldLayoutInUseWhenCancelled) {
    EXPECT_EQ(outcome_of("cancel"), "Cancelled at once, NoSpace, goes on");
}

TEST_F(TightLayout, StopsWaitingWhenTheWriterIsClosed) {
    EXPECT_EQ(outcome_of("close"), "Closed");
}

TEST_F(TightLayout, StopsWaitingForAReaderThatLeaves) {
    EXPECT_EQ(outcome_of("reader that leaves"), "Ok");
}

TEST_F(TightLayout, StopsWaitingForAReaderThatIsKilled) {
    EXPECT_EQ(outcome_of("reader that is killed"), "Ok");
}

TEST_F(TightLayout, DrainsAtOnceForAReaderThatCameWhenNoneWasAnnounced) {
    EXPECT_EQ(outcome_of("reader that comes between layouts"), "Ok, passes, Ok");
}

TEST_F(TightLayout, DrainsAtOnceForAReaderThatCameToNewFiles) {
    EXPECT_EQ(outcome_of("reader that comes to new files"), "Ok, passes");
}

TEST_F(TightLayout, IsNotWaitedForWithoutBackpressure) {
    EXPECT_EQ(outcome_of("no backpressure"), "does not wait");
}

}  // namespace
}  // namespace ndsharray::test
