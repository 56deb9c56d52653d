// SPDX-License-Identifier: BSD-3-Clause
// The directory of the tags comes, goes and is replaced under those who wait: they notice, and nobody looks
// every now and then for it.
#include "core_test.hpp"
#include "limits.hpp"
#include "remote.hpp"
#include "scenes.hpp"

#include <support/background_call.hpp>
#include <support/thread_state.hpp>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>

namespace ndsharray::test {
namespace {

namespace fs = std::filesystem;

/// A waiting read() and, once something was done to the directory, a frame of a writer that starts then.
std::string what_comes_after(const std::string& tag, const std::function<void()>& change) {
    Reader reader(tag);
    BackgroundCall<Frame> reading([&] { return reader.read(); }, [&] { reader.cancel(); });
    if (!reading.blocks())
        return "did not wait";
    change();
    Writer writer(tag);
    write_pattern(writer, bytes_spec(5000));
    return is_intact(reading.result()) ? "a frame" : "something else";
}

/// How long a look every now and then would take to notice something, and more.
constexpr auto some_looks = 450ms;

/// How often a thread that waits looks around in that time.
std::uint64_t looks_of(pid_t thread) {
    const auto before = voluntary_switches(thread);
    std::this_thread::sleep_for(some_looks);  // the time that is measured
    return voluntary_switches(thread) - before;
}

/// \returns whether a TagWatch that waits is told to look at everything once something was done.
bool is_told_after(TagWatch& watch, const std::function<void()>& change) {
    BackgroundCall<TagChanges> waiting([&] { return watch.wait(); }, [&] { watch.cancel(); });
    if (!waiting.blocks())
        return false;
    change();
    return waiting.result().all;
}

/// Lets threads of this process not be had any more, unless it is root's.
void become_nobody() {
    constexpr uid_t nobody = 65534;
    fs::permissions(directory(), fs::perms::all);
    if (::geteuid() == 0)
        static_cast<void>(::setresuid(nobody, nobody, nobody) == 0);
}

}  // namespace

const RegisteredScenes scenes({
    {"private_mounts",
     [](const std::string&) -> std::string {
         const bool permitted = ::unshare(CLONE_NEWNS) == 0 &&
                                ::mount("none", "/", "none", MS_REC | MS_PRIVATE, nullptr) == 0 &&
                                ::mount("tmpfs", directory().c_str(), "tmpfs", 0, "size=1m") == 0;
         return permitted ? "mounted" : "not permitted";
     }},
    {"mounted_over",
     [](const std::string& tag) {
         ::unshare(CLONE_NEWNS);  // before there is a thread
         ::mount("none", "/", "none", MS_REC | MS_PRIVATE, nullptr);
         const auto mount = [] { ::mount("tmpfs", directory().c_str(), "tmpfs", 0, "size=1m"); };
         std::string said = what_comes_after(tag, mount);
         return said + ", " + what_comes_after(tag, [] { ::umount2(directory().c_str(), 0); });
     }},
    {"outside_of_a_mount",
     [](const std::string& tag) {
         const std::string outside = "/proc/" + std::to_string(::getppid()) + "/root" + directory();
         ::unshare(CLONE_NEWNS);
         ::mount("none", "/", "none", MS_REC | MS_PRIVATE, nullptr);
         ::mount("tmpfs", directory().c_str(), "tmpfs", 0, "size=1m");
         ::setenv("NDSHARRAY_DIR", outside.c_str(), 1);
         std::string said = what_comes_after(tag, [] {});
         ::setenv("NDSHARRAY_DIR", (outside + "/late").c_str(), 1);
         said += ", " + what_comes_after(tag, [] { fs::create_directory(directory()); });
         fs::remove_all(directory());
         return said;
     }},
    {"unreadable_parent",
     [](const std::string&) -> std::string {
         become_nobody();
         const fs::path parent = fs::path(directory()) / "parent", tags = parent / "tags";
         fs::create_directory(parent);
         ::setenv("NDSHARRAY_DIR", tags.c_str(), 1);
         TagWatch watch;
         const bool told = is_told_after(watch, [&] {
             const fs::path closed = parent.parent_path() / "closed";
             fs::create_directory(closed);
             fs::permissions(closed, fs::perms::owner_write | fs::perms::owner_exec);
             fs::rename(closed, parent);
             std::this_thread::sleep_for(some_looks);  // the time in which it may fall asleep for ever
             fs::create_directory(tags);
         });
         fs::permissions(parent, fs::perms::owner_all);
         fs::remove_all(parent);
         return told ? "told" : "not told";
     }},
    {"no_threads",
     [](const std::string& tag) {
         become_nobody();
         std::string said;
         {
             const Limit none(RLIMIT_NPROC, 0);
             said = code_of(error_of([&] { Reader reader(tag); })) + ' ' +
                    code_of(error_of([&] { Writer writer(tag); })) + ' ' +
                    code_of(error_of([&] { TagWatch watch; }));
         }
         return said + left_behind(tag) + ", then " + what_comes_after(tag, [] {});
     }},
});

namespace {

/// What happens to a directory and the one it is in, while somebody waits; an empty one is there in the end.
struct Fate {
    const char* name;
    void (*meets)(const fs::path& directory);
};

void PrintTo(const Fate& fate, std::ostream* out) {
    *out << fate.name;
}

const Fate fates[] = {
    {"Removed",
     [](const fs::path& directory) {
         fs::remove_all(directory);
         fs::create_directory(directory);
     }},
    {"RemovedWithAFileInItThatIsOpen",
     [](const fs::path& directory) {
         const int file = ::open((directory / "held").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
         fs::remove_all(directory);
         fs::create_directory(directory);
         ::close(file);
     }},
    {"RemovedWithItsParent",
     [](const fs::path& directory) {
         fs::remove_all(directory.parent_path());
         fs::create_directories(directory);
     }},
    {"RemovedWithItsParentWhereItWasInUse",
     [](const fs::path& directory) {
         const int held = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
         fs::remove_all(directory.parent_path());
         fs::create_directories(directory);
         ::close(held);
     }},
    {"MovedAway",
     [](const fs::path& directory) {
         fs::rename(directory, directory.parent_path() / "away");
         fs::create_directory(directory);
     }},
    {"ReplacedByRename",
     [](const fs::path& directory) {
         const fs::path next = directory.parent_path() / "next";
         fs::create_directory(next);
         for (const auto& entry : fs::directory_iterator(directory))
             fs::remove(entry);
         fs::rename(next, directory);
     }},
    {"Exchanged",
     [](const fs::path& directory) {
         const fs::path next = directory.parent_path() / "next";
         fs::create_directory(next);
         ASSERT_EQ(::renameat2(AT_FDCWD, next.c_str(), AT_FDCWD, directory.c_str(), RENAME_EXCHANGE), 0);
     }},
    {"MovedAwayWithItsParent",
     [](const fs::path& directory) {
         fs::rename(directory.parent_path(), directory.parent_path().string() + "-away");
         fs::create_directories(directory);
     }},
    {"ReplacedByALink",
     [](const fs::path& directory) {
         fs::rename(directory, directory.parent_path() / "away");
         fs::create_directory(directory.parent_path() / "real");
         fs::create_directory_symlink("real", directory);
     }},
};

class WatchedDirectories : public ::testing::Test {
  protected:
    WatchedDirectories() {
        fs::create_directories(path_);
        ::setenv("NDSHARRAY_DIR", path_.c_str(), 1);
    }

    const TemporaryDirectory outer_;
    const fs::path path_ = outer_.path() / "parent" / "tags";
    const std::string tag_ = "cam0";
    const ArraySpec spec_ = bytes_spec(5000);
};

class WatchedDirectory : public WatchedDirectories, public ::testing::WithParamInterface<Fate> {
  protected:
    void meet_fate() { GetParam().meets(path_); }
};

INSTANTIATE_TEST_SUITE_P(Of, WatchedDirectory, ::testing::ValuesIn(fates),
                         [](const auto& info) { return info.param.name; });

TEST_P(WatchedDirectory, AReaderThatWaitsFindsTheNextWriter) {
    EXPECT_EQ(what_comes_after(tag_, [&] { meet_fate(); }), "a frame");
}

TEST_P(WatchedDirectory, AReaderThatWaitsFindsTheNextWriterASecondTime) {
    meet_fate();
    fs::remove_all(path_);
    fs::create_directory(path_);
    EXPECT_EQ(what_comes_after(tag_,
                               [&] {
                                   fs::remove_all(path_.parent_path());
                                   fs::create_directories(path_);
                               }),
              "a frame");
}

TEST_P(WatchedDirectory, AReaderThatHadAWriterFindsTheNext) {
    Reader reader(tag_);
    std::optional<Writer> writer(std::in_place, tag_);
    write_pattern(*writer, spec_);
    const Frame held = reader.read(patience);
    ASSERT_TRUE(held);
    writer.reset();
    ASSERT_EQ(reader.read(patience).status(), ReadStatus::Disconnected);
    BackgroundCall<Frame> reading([&] { return reader.read(); }, [&] { reader.cancel(); });
    ASSERT_TRUE(reading.blocks());
    meet_fate();
    writer.emplace(tag_);
    write_pattern(*writer, spec_);
    EXPECT_TRUE(is_intact(reading.result()));
    EXPECT_TRUE(is_intact(held));
}

TEST_P(WatchedDirectory, AReaderWhoseWriterDiedThereFindsTheNext) {
    Reader reader(tag_);
    RemoteWriter dead(tag_);
    dead.write();
    ASSERT_TRUE(reader.read(patience));
    dead.kill();
    ASSERT_EQ(reader.read(patience).status(), ReadStatus::Disconnected);
    BackgroundCall<Frame> reading([&] { return reader.read(); }, [&] { reader.cancel(); });
    ASSERT_TRUE(reading.blocks());
    meet_fate();
    Writer writer(tag_);
    write_pattern(writer, spec_);
    EXPECT_TRUE(is_intact(reading.result()));
}

TEST_P(WatchedDirectory, ATagWatchIsToldToLookAtAllThenOfTheNextTag) {
    TagWatch watch;
    meet_fate();
    const TagChanges changes = watch.wait(patience);
    EXPECT_EQ(changes.status, WatchStatus::Changed);
    EXPECT_TRUE(changes.all);
    while (watch.wait(100ms).status == WatchStatus::Changed) {
    }
    Writer writer(tag_);
    EXPECT_EQ(watch.wait(patience).tags, std::vector{tag_});
}

/// How long a writer may look for its files because of what happened before.
constexpr auto looks_end = 300ms;

TEST_P(WatchedDirectory, AWriterGoesOnThereForReadersOldAndNew) {
    Writer writer(tag_);
    RemoteReader old_one(tag_);
    write_pattern(writer, spec_);
    ASSERT_TRUE(old_one.read());
    std::this_thread::sleep_for(looks_end);
    meet_fate();
    EXPECT_TRUE(starts_anew(writer, spec_));
    EXPECT_EQ(writer.error().code(), ErrorCode::None) << writer.error().what();
    Reader new_one(tag_);
    EXPECT_TRUE(is_intact(new_one.read(patience)));
    const std::uint64_t newest = writer.stats().published;
    EXPECT_TRUE(wait_until([&] { return old_one.read(10ms).number == newest; }));
}

TEST_F(WatchedDirectories, AWriterWritesOnWhileThereIsNone) {
    Writer writer(tag_);
    Reader old_one(tag_);
    write_pattern(writer, spec_);
    ASSERT_TRUE(old_one.read(patience));
    fs::remove_all(path_.parent_path());
    const auto end = std::chrono::steady_clock::now() + looks_end;
    while (std::chrono::steady_clock::now() < end) {
        ASSERT_NE(write_pattern(writer, spec_), 0U) << writer.error().what();
        ASSERT_TRUE(is_intact(old_one.read(patience)));
    }
    EXPECT_EQ(writer.stats().generation, 1U);
    fs::create_directories(path_);
    EXPECT_TRUE(starts_anew(writer, spec_));
    Reader new_one(tag_);
    EXPECT_TRUE(is_intact(new_one.read(patience)));
}

TEST_F(WatchedDirectories, AWriterAwaitsAReaderInTheNextOne) {
    Writer writer(tag_);
    BackgroundCall<WriteStatus> waiting([&] { return writer.wait_for_reader(); }, [&] { writer.cancel(); });
    std::this_thread::sleep_for(looks_end);
    ASSERT_TRUE(waiting.blocks());
    fs::rename(path_, path_.parent_path() / "away");
    ASSERT_TRUE(wait_until([&] { return waiting.blocks(); }));
    fs::create_directory(path_);
    RemoteReader reader(tag_);
    EXPECT_TRUE(wait_until(
        [&] { return reader.read(10ms).status == ReadStatus::Timeout && writer.stats().readers == 1; }));
    EXPECT_EQ(waiting.result(), WriteStatus::Ok);
}

class MissingDirectory : public ::testing::TestWithParam<const char*> {
  protected:
    MissingDirectory() {
        fs::create_directory(outer_.path() / "there");
        ::setenv("NDSHARRAY_DIR", path_.c_str(), 1);
    }

    const TemporaryDirectory outer_;
    const fs::path path_ = outer_.path() / "there" / GetParam();
};

INSTANTIATE_TEST_SUITE_P(With, MissingDirectory,
                         ::testing::Values("tags", "its/parents/tags", "a//b/./tags/"), [](const auto& info) {
                             const std::string of = info.param;
                             return of == "tags"               ? "Parent"
                                    : of == "its/parents/tags" ? "NoParents"
                                                               : "OddName";
                         });

TEST_P(MissingDirectory, IsSaidAndAwaited) {
    Reader reader("cam0");
    EXPECT_EQ(reader.read(0ns).status(), ReadStatus::Timeout);
    EXPECT_EQ(reader.obstacle().code(), ErrorCode::System);
    EXPECT_TRUE(contains(reader.obstacle().what(), path_.string())) << reader.obstacle().what();
    EXPECT_TRUE(contains(reader.obstacle().what(), "NDSHARRAY_DIR")) << reader.obstacle().what();
    BackgroundCall<Frame> reading([&] { return reader.read(); }, [&] { reader.cancel(); });
    ASSERT_TRUE(reading.blocks());
    fs::create_directories(path_);
    EXPECT_EQ(reader.obstacle().code(), ErrorCode::None);
    Writer writer("cam0");
    write_pattern(writer, bytes_spec(5000));
    EXPECT_TRUE(is_intact(reading.result()));
}

TEST_P(MissingDirectory, CostsNoLooks) {
    Reader reader("cam0");
    BackgroundCall<Frame> reading([&] { return reader.read(); }, [&] { reader.cancel(); });
    ASSERT_TRUE(reading.blocks());
    EXPECT_LE(looks_of(reading.thread()), 1U);
    reader.cancel();
}

TEST_P(MissingDirectory, IsSaidByATagWatchAndAwaited) {
    TagWatch watch;
    EXPECT_EQ(watch.obstacle().code(), ErrorCode::System);
    EXPECT_TRUE(contains(watch.obstacle().what(), path_.string())) << watch.obstacle().what();
    EXPECT_EQ(watch.wait(0ns).status, WatchStatus::Timeout);
    EXPECT_TRUE(is_told_after(watch, [&] { fs::create_directories(path_); }));
    EXPECT_EQ(watch.obstacle().code(), ErrorCode::None);
    while (watch.wait(100ms).status == WatchStatus::Changed) {
    }
    Writer writer("cam0");
    EXPECT_EQ(watch.wait(patience).tags, std::vector<std::string>{"cam0"});
}

TEST_P(MissingDirectory, CostsATagWatchNoLooks) {
    TagWatch watch;
    BackgroundCall<TagChanges> waiting([&] { return watch.wait(); }, [&] { watch.cancel(); });
    ASSERT_TRUE(waiting.blocks());
    EXPECT_LE(looks_of(waiting.thread()), 1U);
    watch.cancel();
}

TEST_P(MissingDirectory, IsAwaitedByATagWatchThatSawItGo) {
    fs::create_directories(path_);
    TagWatch watch;
    EXPECT_EQ(watch.obstacle().code(), ErrorCode::None);
    EXPECT_TRUE(is_told_after(watch, [&] { fs::remove_all(outer_.path() / "there"); }));
    EXPECT_EQ(watch.obstacle().code(), ErrorCode::System);
    while (watch.wait(100ms).status == WatchStatus::Changed) {
    }
    EXPECT_TRUE(is_told_after(watch, [&] { fs::create_directories(path_); }));
}

/// What happens to the place of a directory that is missing; it is there in the end.
const Fate comings[] = {
    {"WithAnotherParent",
     [](const fs::path& directory) {
         fs::remove(directory.parent_path());
         fs::create_directories(directory);
     }},
    {"ByRename",
     [](const fs::path& directory) {
         fs::create_directory(directory.parent_path() / "next");
         fs::rename(directory.parent_path() / "next", directory);
     }},
    {"WithAParentThatIsReplacedByRename",
     [](const fs::path& directory) {
         const fs::path next = directory.parent_path().string() + "-next";
         fs::create_directories(next / directory.filename());
         fs::rename(next, directory.parent_path());
     }},
    {"WithAParentThatIsALink",
     [](const fs::path& directory) {
         const fs::path next = directory.parent_path().string() + "-next";
         fs::create_directories(next / directory.filename());
         fs::remove(directory.parent_path());
         fs::create_directory_symlink(next.filename(), directory.parent_path());
     }},
    {"InPlaceOfAFile",
     [](const fs::path& directory) {
         std::ofstream{directory} << "x";
         std::this_thread::sleep_for(some_looks);  // seen by then
         fs::remove(directory);
         fs::create_directory(directory);
     }},
    {"WhereALinkLedNowhere",
     [](const fs::path& directory) {
         fs::create_directory_symlink("../elsewhere/tags", directory);
         std::this_thread::sleep_for(some_looks);
         fs::create_directories(directory.parent_path().parent_path() / "elsewhere" / "tags");
     }},
};

class AwaitedDirectory : public WatchedDirectory {
  protected:
    AwaitedDirectory() { fs::remove(path_); }
};

INSTANTIATE_TEST_SUITE_P(Comes, AwaitedDirectory, ::testing::ValuesIn(comings),
                         [](const auto& info) { return info.param.name; });

TEST_P(AwaitedDirectory, AReaderThatWaitsFindsItsFirstWriter) {
    EXPECT_EQ(what_comes_after(tag_, [&] { meet_fate(); }), "a frame");
}

TEST_P(AwaitedDirectory, ATagWatchIsToldToLookAtAll) {
    TagWatch watch;
    EXPECT_TRUE(is_told_after(watch, [&] { meet_fate(); }));
    EXPECT_TRUE(wait_until([&] { return watch.obstacle().code() == ErrorCode::None; }));
}

/// A link that leads to a directory that is missing, as /var/run does to those in /run.
class MissingDirectoryBehindALink : public WatchedDirectories {
  protected:
    MissingDirectoryBehindALink() {
        fs::remove(path_);
        fs::create_directory_symlink("../target/./of/tags", path_);
    }

    const fs::path target_ = outer_.path() / "target" / "of" / "tags";
};

TEST_F(MissingDirectoryBehindALink, IsAwaited) {
    EXPECT_EQ(what_comes_after(tag_, [&] { fs::create_directories(target_); }), "a frame");
    const auto again = [&] {
        fs::remove_all(outer_.path() / "target");
        fs::create_directories(target_);
    };
    EXPECT_EQ(what_comes_after(tag_, again), "a frame");
}

TEST_F(MissingDirectoryBehindALink, CostsNoLooks) {
    TagWatch watch;
    BackgroundCall<TagChanges> waiting([&] { return watch.wait(); }, [&] { watch.cancel(); });
    ASSERT_TRUE(waiting.blocks());
    EXPECT_LE(looks_of(waiting.thread()), 1U);
    fs::create_directories(target_);
    EXPECT_TRUE(waiting.result().all);
}

TEST_F(WatchedDirectories, ThatALinkLeadsRoundInCirclesToAreAnError) {
    fs::remove(path_);
    fs::create_directory_symlink("tags", path_);
    const Error error = error_of([] { TagWatch watch; });
    EXPECT_NE(error.code(), ErrorCode::None);
    EXPECT_TRUE(contains(error.what(), path_.string())) << error.what();
    const Error of_writer = error_of([&] { Writer writer(tag_); });
    EXPECT_EQ(of_writer.code(), ErrorCode::NotRegular);
    EXPECT_TRUE(contains(of_writer.what(), "symbolic links")) << of_writer.what();
}

class LostEvents : public CoreTest {};

/// \returns how many events the kernel keeps for a process that does not take them.
unsigned long most_events() {
    unsigned long most = 0;
    std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> most;
    return most;
}

TEST_F(LostEvents, AreMadeGoodByALook) {
    if (most_events() == 0 || most_events() > 50'000)
        GTEST_SKIP() << "it would take too many files to lose events";
    Writer busy("busy");
    std::atomic<bool> called{false}, go_on{false};
    busy.on_reader_change([&](const ReaderChange&) {
        called = true;
        called.notify_all();
        go_on.wait(false);
    });
    RemoteReader comes("busy");  // its coming keeps the thread that takes events
    ASSERT_TRUE(attach(comes, busy));
    called.wait(false);
    Reader reader(tag_);
    BackgroundCall<Frame> reading([&] { return reader.read(); }, [&] { reader.cancel(); });
    ASSERT_TRUE(reading.blocks());
    for (unsigned long i = 0; i < most_events() + 100; ++i) {
        const std::string file = directory_.path() / std::to_string(i);
        ::close(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        ::unlink(file.c_str());
    }
    Writer writer(tag_);
    write_pattern(writer, spec_);
    go_on = true;
    go_on.notify_all();
    EXPECT_TRUE(is_intact(reading.result()));
    busy.on_reader_change({});
}

class WatchingProcess : public SceneTest {};

TEST_F(WatchingProcess, NoticesWhatIsMountedOverTheDirectoryAndTakenAway) {
    if (outcome_of("private_mounts") != "mounted")
        GTEST_SKIP() << "it takes root to mount a file system";
    EXPECT_EQ(outcome_of("mounted_over"), "a frame, a frame");
}

/// A container's tags are looked at in /proc/PID/root/dev/shm, where root is a link that says "/".
TEST_F(WatchingProcess, WatchesWhereALinkOfProcReallyLeads) {
    if (outcome_of("private_mounts") != "mounted")
        GTEST_SKIP() << "it takes root to mount a file system";
    EXPECT_EQ(outcome_of("outside_of_a_mount"), "a frame, a frame");
}

TEST_F(WatchingProcess, LooksEveryNowAndThenWhereTheKernelDoesNotTellAnyMore) {
    EXPECT_EQ(outcome_of("unreadable_parent"), "told");
}

TEST_F(WatchingProcess, WithoutThreadsThrowsErrorsLeavesNothingAndWorksAfterwards) {
    EXPECT_EQ(outcome_of("no_threads"), "System System System, then a frame");
}

}  // namespace
}  // namespace ndsharray::test
