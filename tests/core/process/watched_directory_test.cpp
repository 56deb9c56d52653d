// SPDX-License-Identifier: BSD-3-Clause
// The directory of the tags comes, goes and is replaced under those who wait: they notice, and nobody looks
// every now and then for it.
#include "limits.hpp"
#include "remote.hpp"
#include "scenes.hpp"
#include "watched_directories.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <optional>
#include <string>

namespace ndsharray::test {
namespace {

/// For this process only. Before it has a thread.
void mount_over_the_directory() {
    ::unshare(CLONE_NEWNS);
    ::mount("none", "/", "none", MS_REC | MS_PRIVATE, nullptr);
    ::mount("tmpfs", directory().c_str(), "tmpfs", 0, "size=1m");
}

/// What comes in the directory that the parent process sees, and in one there that comes late.
std::string what_comes_outside(const std::string& tag, const std::string& proc) {
    const std::string outside = proc + "/" + std::to_string(::getppid()) + "/root" + directory();
    ::setenv("NDSHARRAY_DIR", outside.c_str(), 1);
    std::string said = what_comes_after(tag, [] {});
    ::setenv("NDSHARRAY_DIR", (outside + "/late").c_str(), 1);
    said += ", " + what_comes_after(tag, [] { fs::create_directory(directory()); });
    fs::remove_all(directory());
    return said;
}

/// Lets threads of this process not be had any more, unless it is root's.
void become_nobody() {
    constexpr uid_t nobody = 65534;
    fs::permissions(directory(), fs::perms::all);
    if (::geteuid() == 0)
        static_cast<void>(::setresuid(nobody, nobody, nobody) == 0);
}

}  // namespace

const RegisteredScenes watched_directory_scenes({
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
         mount_over_the_directory();
         return what_comes_outside(tag, "/proc");
     }},
    {"outside_through_another_proc",
     [](const std::string& tag) {
         mount_over_the_directory();
         const std::string proc = directory() + "/proc";
         fs::create_directory(proc);
         ::mount("proc", proc.c_str(), "proc", 0, nullptr);
         return what_comes_outside(tag, proc);
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
    take_all(watch);
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
    EXPECT_EQ(outcome_of("outside_through_another_proc"), "a frame, a frame");
}

TEST_F(WatchingProcess, LooksEveryNowAndThenWhereTheKernelDoesNotTellAnyMore) {
    EXPECT_EQ(outcome_of("unreadable_parent"), "told");
}

TEST_F(WatchingProcess, WithoutThreadsThrowsErrorsLeavesNothingAndWorksAfterwards) {
    EXPECT_EQ(outcome_of("no_threads"), "System System System, then a frame");
}

}  // namespace
}  // namespace ndsharray::test
