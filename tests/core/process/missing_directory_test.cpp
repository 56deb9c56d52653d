// SPDX-License-Identifier: BSD-3-Clause
// The directory of the tags is missing: those who wait for a tag in it say so, and notice when it comes.
#include "watched_directories.hpp"

#include <fstream>

namespace ndsharray::test {
namespace {

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
    take_all(watch);
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
    take_all(watch);
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

}  // namespace
}  // namespace ndsharray::test
