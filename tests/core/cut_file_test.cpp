// SPDX-License-Identifier: BSD-3-Clause
// Files made shorter while they are mapped, by someone who may: an error that names the file where the kernel
// would end the process, and a writer that goes on.
#include "core_test.hpp"
#include "remote.hpp"

#include <support/background_call.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace ndsharray::test {
namespace {

using Path = std::filesystem::path;

/// All bytes of a frame, each looked at.
unsigned sum_of(const Frame& frame) {
    unsigned sum = 0;
    for (const std::byte byte : pixels_of(frame))
        sum += std::to_integer<unsigned>(byte);
    return sum;
}

class CutFile : public CoreTest {
  protected:
    void TearDown() override { directory_.clear(); }

    /// What a read says that must come to an end without a frame.
    static std::string failure_of(Reader& reader) {
        const Frame frame = reader.read(in_time);
        if (frame.status() != ReadStatus::Failed)
            return std::string(name(frame.status()));
        return std::string(name(reader.error().code())) + ": " + reader.error().what();
    }

    static ::testing::AssertionResult names(const std::string& failure, const Path& path) {
        if (failure.starts_with("Damaged") && contains(failure, path.string()))
            return ::testing::AssertionSuccess();
        return ::testing::AssertionFailure() << failure;
    }

    /// Reads until there is a frame: one that failed before may find the tag starting anew.
    static Frame next_frame(Reader& reader) {
        Frame frame;
        wait_until([&] { return static_cast<bool>(frame = reader.read(10ms)); });
        return frame;
    }

    /// A frame of this many pages, so that a cut leaves some.
    const ArraySpec large_ = bytes_spec(16 * 4096);
};

// ---- readers

TEST_F(CutFile, LeavesTheReaderOfAFrameAliveAndTellsIt) {
    RemoteWriter writer(tag_);
    writer.write(1, large_.bytes);
    Reader reader(tag_);
    const Frame frame = reader.read(in_time);
    ASSERT_TRUE(frame);
    EXPECT_TRUE(frame.is_whole());
    std::filesystem::resize_file(segment_file(), 0);
    EXPECT_EQ(sum_of(frame), 0U);
    EXPECT_FALSE(frame.is_whole());
    writer.kill();
}

TEST_F(CutFile, FailsTheReaderNamingTheSegment) {
    RemoteWriter writer(tag_);
    writer.write(1, large_.bytes);
    Reader reader(tag_);
    ASSERT_TRUE(reader.read(in_time));
    const Path segment = segment_file();
    std::filesystem::resize_file(segment, 0);
    EXPECT_TRUE(names(failure_of(reader), segment));
    EXPECT_TRUE(names(failure_of(reader), segment));  // and again, not a crash
    writer.kill();
}

TEST_F(CutFile, FailsTheReaderWhereOnlyTheLastPageIsMissing) {
    RemoteWriter writer(tag_);
    writer.write(1, large_.bytes);
    Reader reader(tag_);
    ASSERT_TRUE(reader.read(in_time));
    const Path segment = segment_file();
    std::filesystem::resize_file(segment, std::filesystem::file_size(segment) - 1 - 4096);
    EXPECT_TRUE(names(failure_of(reader), segment));
    writer.kill();
}

TEST_F(CutFile, IsNotHandedOutAsACopy) {
    RemoteWriter writer(tag_, {.slots = 3});
    writer.write(1, large_.bytes);
    Reader reader(tag_, with_leases(0));
    ASSERT_TRUE(reader.read(in_time).is_copy());
    writer.write(1, large_.bytes);
    // The header and the first slot stay; the newest frame is in another.
    const Path segment = segment_file();
    std::filesystem::resize_file(segment, std::filesystem::file_size(segment) - 2 * large_.bytes);
    EXPECT_TRUE(names(failure_of(reader), segment));
    writer.kill();
}

TEST_F(CutFile, FailsAWaitingReaderNamingTheControlFile) {
    for (const std::uintmax_t left : {0, 64}) {
        RemoteWriter writer(tag_);
        Reader reader(tag_);
        ASSERT_TRUE(attach(reader));
        BackgroundCall<std::string> waiting([&] { return failure_of(reader); }, [&] { reader.cancel(); });
        ASSERT_TRUE(waiting.blocks());
        std::filesystem::resize_file(file(), left);
        EXPECT_TRUE(names(waiting.result(), file())) << left;
        writer.kill();
        directory_.clear();
    }
}

TEST_F(CutFile, FailsTheReaderNamingTheTable) {
    RemoteWriter writer(tag_);
    writer.write();
    Reader reader(tag_);
    ASSERT_TRUE(reader.read(in_time));
    std::filesystem::resize_file(file(".readers"), 0);
    EXPECT_TRUE(names(failure_of(reader), file(".readers")));
    writer.kill();
}

TEST_F(CutFile, FailsOneOfManyReaders) {
    constexpr std::size_t many = 100;  // mappings for more than one piece of the list
    RemoteWriter writer(tag_);
    writer.write(1, large_.bytes);
    std::vector<std::unique_ptr<Reader>> readers;
    for (std::size_t i = 0; i < many; ++i) {
        readers.push_back(std::make_unique<Reader>(tag_));
        ASSERT_TRUE(readers.back()->read(in_time));
    }
    const Path segment = segment_file();
    std::filesystem::resize_file(segment, 0);
    for (const auto& reader : readers)
        EXPECT_TRUE(names(failure_of(*reader), segment));
    writer.kill();
}

// ---- writers

TEST_F(CutFile, MakesTheWriterStartAnew) {
    for (const std::string suffix : {".readers", ""}) {
        Writer writer(tag_);
        Reader reader(tag_);
        write_pattern(writer, large_);
        ASSERT_TRUE(is_intact(reader.read(in_time)));
        std::filesystem::resize_file(file(suffix), 0);
        ASSERT_TRUE(wait_until([&] { return write_pattern(writer, large_) && writer.stats().remade == 1; }));
        ASSERT_TRUE(wait_until([&] { return reader.read(0ns) || reader.attached(); }));
        const std::uint64_t number = write_pattern(writer, large_);
        EXPECT_GT(number, 1U);
        const Frame frame = next_frame(reader);
        EXPECT_TRUE(is_intact(frame)) << suffix;
        EXPECT_EQ(writer.stats().remade, 1U);
    }
}

TEST_F(CutFile, MakesTheWriterOfACutSegmentStartAnew) {
    Writer writer(tag_);
    write_pattern(writer, large_);
    std::filesystem::resize_file(segment_file(), 4096);
    const std::string before = writer.segment_name();
    ASSERT_TRUE(wait_until([&] { return write_pattern(writer, large_) && writer.stats().remade == 1; }));
    EXPECT_NE(writer.segment_name(), before);
    Reader reader(tag_);
    EXPECT_TRUE(is_intact(reader.read(in_time)));
    writer.close();
    EXPECT_EQ(directory_.entries(), std::vector<std::string>{});
}

TEST_F(CutFile, UnderAFrameThatIsBeingWrittenDoesNotEndTheWriter) {
    Writer writer(tag_);
    writer.configure(large_);
    WritableFrame frame = writer.acquire();
    ASSERT_TRUE(frame);
    std::filesystem::resize_file(segment_file(), 0);
    fill_pattern({frame.data(), static_cast<std::size_t>(large_.bytes)}, 7);
    EXPECT_EQ(writer.publish(std::move(frame)), 0U);
    EXPECT_TRUE(writer.acquire());
    EXPECT_EQ(writer.stats().remade, 1U);
}

TEST_F(CutFile, UnderAPinnedFrameDoesNotEndTheWriter) {
    Writer writer(tag_);
    writer.configure(large_);
    WritableFrame pinned = writer.acquire_pinned(in_time);
    ASSERT_TRUE(pinned);
    std::filesystem::resize_file(segment_file(), 0);
    fill_pattern({pinned.data(), static_cast<std::size_t>(large_.bytes)}, 7);
    EXPECT_EQ(writer.publish_pinned(pinned), 0U);
    EXPECT_FALSE(writer.acquire_pinned());
    EXPECT_NE(write_pattern(writer, large_), 0U);
    EXPECT_TRUE(writer.acquire_pinned(in_time));
    pinned.release();
}

TEST_F(CutFile, FreesAWriterThatWaitsForItsReaders) {
    Writer writer(tag_, {.slots = 3, .backpressure = true});
    Reader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader));
    while (write_pattern(writer, spec_, 0ns) != 0) {
    }
    BackgroundCall<bool> waiting([&] { return static_cast<bool>(writer.acquire()); },
                                 [&] { writer.cancel(); });
    ASSERT_TRUE(waiting.blocks());
    std::filesystem::resize_file(file(".readers"), 0);
    EXPECT_TRUE(waiting.result());
    EXPECT_EQ(writer.stats().remade, 1U);
}

TEST_F(CutFile, FreesAWriterThatDrains) {
    Writer writer(tag_, {.slots = 3, .backpressure = true});
    Reader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader));
    write_pattern(writer, spec_);
    BackgroundCall<WriteStatus> draining([&] { return writer.drain(); }, [&] { writer.cancel(); });
    ASSERT_TRUE(draining.blocks());
    std::filesystem::resize_file(file(".readers"), 0);
    EXPECT_EQ(draining.result(), WriteStatus::Ok);
}

TEST_F(CutFile, DoesNotKeepReadersFromAWriterThatAwaitsOne) {
    Writer writer(tag_);
    BackgroundCall<WriteStatus> waiting([&] { return writer.wait_for_reader(); }, [&] { writer.cancel(); });
    ASSERT_TRUE(waiting.blocks());
    std::filesystem::resize_file(file(".readers"), 0);
    ASSERT_TRUE(wait_until([&] { return writer.stats().remade == 1; }));
    RemoteReader reader(tag_);
    ASSERT_TRUE(attach(reader, writer));
    EXPECT_EQ(waiting.result(), WriteStatus::Ok);
}

TEST_F(CutFile, MakesTheNumberOfReadersKnownAnew) {
    Writer writer(tag_);
    std::atomic<unsigned> readers = 99;
    writer.on_readers_changed([&](unsigned now) { readers = now; });
    RemoteReader reader(tag_);
    ASSERT_TRUE(attach(reader, writer));
    ASSERT_TRUE(wait_until([&] { return readers == 1; }));
    std::filesystem::resize_file(file(".readers"), 0);
    ASSERT_TRUE(wait_until([&] { return write_pattern(writer, spec_) && readers == 0; }));
}

TEST_F(CutFile, WithoutRoomForAnotherClosesTheWriterWithAnError) {
    Writer writer(tag_);
    write_pattern(writer, spec_);
    std::filesystem::resize_file(file(".readers"), 0);
    const Path away = directory_.path().string() + "-away";
    std::filesystem::rename(directory_.path(), away);
    ASSERT_TRUE(wait_until([&] {
        const WritableFrame frame = writer.acquire(in_time);
        return !frame && frame.status() == WriteStatus::Closed;
    }));
    EXPECT_EQ(writer.error().code(), ErrorCode::System) << writer.error().what();
    EXPECT_TRUE(contains(writer.error().what(), directory_.path().string())) << writer.error().what();
    EXPECT_EQ(error_of([&] { writer.configure(large_); }).what(), std::string(writer.error().what()));
    std::filesystem::rename(away, directory_.path());
}

/// How many mappings of files in the folder this process has.
std::size_t mappings_in(const Path& directory) {
    std::ifstream maps("/proc/self/maps");
    std::size_t count = 0;
    for (std::string line; std::getline(maps, line);)
        count += contains(line, directory.string()) ? 1 : 0;
    return count;
}

std::size_t open_files() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

TEST_F(CutFile, AgainAndAgainCostsNeitherMemoryNorFiles) {
    Writer writer(tag_);
    Reader reader(tag_);
    std::size_t mappings = 0;
    std::size_t files = 0;
    for (int i = 0; i < 50; ++i) {
        const std::string suffix = i % 2 == 0 ? ".readers" : "";
        std::filesystem::resize_file(file(suffix), 0);
        const std::uint64_t before = writer.stats().remade;
        ASSERT_TRUE(
            wait_until([&] { return write_pattern(writer, large_) && writer.stats().remade > before; }));
        ASSERT_TRUE(is_intact(next_frame(reader)));
        if (i == 10) {
            mappings = mappings_in(directory_.path());
            files = open_files();
        }
    }
    EXPECT_LE(mappings_in(directory_.path()), mappings);
    EXPECT_LE(open_files(), files);
}

// ---- the signal

std::atomic<int> handled{0};
std::atomic<void*> handled_at{nullptr};

void count_signal(int) {
    ++handled;
}

void count_signal_at(int, siginfo_t* info, void*) {
    ++handled;
    handled_at = info->si_addr;
    // Memory for the access, as a library like ours does.
    ::mmap(info->si_addr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

void handle_bus(void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    ::sigaction(SIGBUS, &action, nullptr);
}

/// A page of a file of the application's own that has no bytes.
const volatile char* missing_page() {
    const int memory = ::memfd_create("empty", MFD_CLOEXEC);
    return static_cast<const volatile char*>(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, memory, 0));
}

/// Has the library's handler installed and shows that it works.
std::string survive_a_cut(const std::string& tag) {
    Writer writer(tag);
    write_pattern(writer, bytes_spec(16 * 4096));
    Reader reader(tag);
    const Frame frame = reader.read(in_time);
    std::filesystem::resize_file(Path(directory()) / writer.segment_name(), 0);
    return sum_of(frame) == 0 && !frame.is_whole() ? "survived" : "not cut";
}

using Scene = std::string (*)(const std::string& tag);

const std::map<std::string, Scene, std::less<>> scenes = {
    {"default",
     [](const std::string& tag) {
         const std::string outcome = survive_a_cut(tag);
         static_cast<void>(*missing_page());
         return outcome + ", not ended";
     }},
    {"default_sent",
     [](const std::string& tag) {
         const std::string outcome = survive_a_cut(tag);
         ::raise(SIGBUS);
         return outcome + ", not ended";
     }},
    {"ignored_sent",
     [](const std::string& tag) {
         handle_bus(SIG_IGN);
         const std::string outcome = survive_a_cut(tag);
         ::raise(SIGBUS);
         return outcome + ", ignored";
     }},
    {"ignored",
     [](const std::string& tag) {
         handle_bus(SIG_IGN);
         const std::string outcome = survive_a_cut(tag);
         static_cast<void>(*missing_page());
         return outcome + ", not ended";
     }},
    {"plain_handler",
     [](const std::string& tag) {
         handle_bus(count_signal);
         const std::string outcome = survive_a_cut(tag);
         ::raise(SIGBUS);
         return outcome + ", handled " + std::to_string(handled);
     }},
    {"handler_with_address",
     [](const std::string& tag) {
         struct sigaction action {};
         action.sa_sigaction = count_signal_at;
         action.sa_flags = SA_SIGINFO;
         ::sigaction(SIGBUS, &action, nullptr);
         const std::string outcome = survive_a_cut(tag);
         const volatile char* page = missing_page();
         static_cast<void>(*page);
         return outcome + ", handled " + std::to_string(handled) +
                (handled_at == const_cast<char*>(page) ? " there" : " elsewhere");
     }},
    {"forked",
     [](const std::string& tag) -> std::string {
         Writer writer(tag);
         write_pattern(writer, bytes_spec(16 * 4096));
         Reader reader(tag);
         const Frame frame = reader.read(in_time);
         std::filesystem::resize_file(Path(directory()) / writer.segment_name(), 0);
         const pid_t child = ::fork();
         if (child == 0)
             ::_exit(sum_of(frame) == 0 ? 0 : 1);
         int status = 0;
         ::waitpid(child, &status, 0);
         return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "survived" : "died";
     }},
};

int play_cut_scene(Channel& channel, const Arguments& arguments) {
    channel.send(scenes.at(arguments.at(1))(arguments.at(0)));
    return 0;
}
const RegisteredRole play_cut_scene_role("play_cut_scene", play_cut_scene);

class BusSignal : public CutFile {
  protected:
    /// What a scene says, and then how its process ended.
    std::string outcome_of(const std::string& scene) {
        ChildProcess process("play_cut_scene", {tag_, scene});
        const std::string said = process.channel().receive().value_or("nothing");
        const int exit_code = process.wait_for_exit();
        return exit_code == 0 ? said : said + ", signal " + std::to_string(-exit_code);
    }
};

const std::string ended_by_it = "nothing, signal " + std::to_string(SIGBUS);

TEST_F(BusSignal, OfTheApplicationsOwnFilesEndsItAsEver) {
    EXPECT_EQ(outcome_of("default"), ended_by_it);
}

TEST_F(BusSignal, SentToTheApplicationEndsItAsEver) {
    EXPECT_EQ(outcome_of("default_sent"), ended_by_it);
}

TEST_F(BusSignal, SentToTheApplicationIsIgnoredAsEver) {
    EXPECT_EQ(outcome_of("ignored_sent"), "survived, ignored");
}

TEST_F(BusSignal, OfAnAccessIsNotIgnored) {
    EXPECT_EQ(outcome_of("ignored"), "nothing, signal " + std::to_string(SIGBUS));
}

TEST_F(BusSignal, GoesToTheApplicationsHandler) {
    EXPECT_EQ(outcome_of("plain_handler"), "survived, handled 1");
}

TEST_F(BusSignal, GoesToTheApplicationsHandlerWithItsAddress) {
    EXPECT_EQ(outcome_of("handler_with_address"), "survived, handled 1 there");
}

TEST_F(BusSignal, DoesNotEndAForkedChild) {
    EXPECT_EQ(outcome_of("forked"), "survived");
}

}  // namespace
}  // namespace ndsharray::test

// A sanitizer leaves the signal alone, since this is about what it does by default.
extern "C" const char* __asan_default_options() {
    return "handle_sigbus=0";
}
extern "C" const char* __tsan_default_options() {
    return "handle_sigbus=0";
}
