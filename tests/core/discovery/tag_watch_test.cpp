// SPDX-License-Identifier: BSD-3-Clause
// Being told when tags appear, change or go.
#include "core_test.hpp"
#include "limits.hpp"
#include "remote.hpp"
#include "scenes.hpp"

#include <support/background_call.hpp>

#include <csignal>
#include <fstream>

namespace ndsharray::test {

const RegisteredScenes tag_watch_scenes({
    {"tag_watch_without_descriptors",
     [](const std::string& tag) {
         std::string said;
         {
             const Limit none(RLIMIT_NOFILE, 3);
             said = code_of(error_of([] { TagWatch watch; }));
         }
         TagWatch watch;
         const Writer writer(tag);
         return said + ", then " + std::string(name(watch.wait(patience).status));
     }},
});

namespace {

class TagWatchTest : public CoreTest {
  protected:
    /// Waits for changes of the tag until `condition` holds; looks only when it has been told.
    template <typename Condition>
    bool is_told_until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        do {
            const TagChanges changes = watch_.wait(deadline - std::chrono::steady_clock::now());
            if (changes.status != WatchStatus::Changed)
                return false;
            EXPECT_TRUE(changes.all || changes.tags == std::vector{tag_});
        } while (!condition());
        return true;
    }

    /// Takes what is left of changes that were acted upon.
    void settle() {
        while (watch_.wait(300ms).status == WatchStatus::Changed) {
        }
    }

    std::optional<TagInfo> look() const {
        try {
            return inspect(tag_);
        } catch (const Error&) {
            return std::nullopt;
        }
    }

    TagWatch watch_;
};

TEST_F(TagWatchTest, TellsOfATagThatAppearsIsAnnouncedAndCloses) {
    RemoteWriter writer(tag_);
    EXPECT_TRUE(is_told_until([&] { return look() && look()->state == TagState::Live; }));
    settle();
    writer.write();  // the segment was made before: what is told is the announcement
    EXPECT_TRUE(is_told_until([&] { return look()->generation == 1; }));
    settle();
    writer.close();
    EXPECT_TRUE(is_told_until([&] { return !look(); }));
}

TEST_F(TagWatchTest, TellsOfAnotherLayout) {
    RemoteWriter writer(tag_);
    writer.write();
    settle();
    writer.write(1, 7000);
    EXPECT_TRUE(is_told_until([&] { return look()->spec == bytes_spec(7000); }));
    writer.close();
}

TEST_F(TagWatchTest, TellsOfTheEndOfAStreamAndThatItGoesOn) {
    RemoteWriter writer(tag_);
    writer.write();
    settle();
    writer.end_of_stream();
    EXPECT_TRUE(is_told_until([&] { return look()->state == TagState::Ended; }));
    settle();
    writer.write();
    EXPECT_TRUE(is_told_until([&] { return look()->state == TagState::Live; }));
    writer.close();
}

TEST_F(TagWatchTest, TellsOfADeathAndOfATakeOver) {
    RemoteWriter writer(tag_);
    writer.write();
    settle();
    ::kill(writer.pid(), SIGKILL);  // without waiting for it to be gone
    EXPECT_TRUE(is_told_until([&] { return !look()->alive; }));
    settle();
    RemoteWriter next(tag_);
    EXPECT_TRUE(is_told_until([&] { return look()->alive && look()->state == TagState::Live; }));
    next.close();
}

TEST_F(TagWatchTest, TellsAgainAfterACloseBecauseTheLockMayGoLater) {
    RemoteWriter writer(tag_);
    settle();
    std::ofstream(file(), std::ios::app).close();
    EXPECT_EQ(watch_.wait(in_time).tags, std::vector{tag_});
    EXPECT_EQ(watch_.wait(in_time).tags, std::vector{tag_});
    settle();
    writer.close();
}

TEST_F(TagWatchTest, SleepsWhileFramesComeAndReadersComeAndGo) {
    RemoteWriter writer(tag_);
    writer.write();
    settle();
    BackgroundCall<TagChanges> waiting([&] { return watch_.wait(); }, [&] { watch_.cancel(); });
    ASSERT_TRUE(waiting.blocks());
    const auto before = voluntary_switches(waiting.thread());
    for (int i = 0; i < 3; ++i) {
        RemoteReader reader(tag_);
        ASSERT_TRUE(reader.read());
        writer.write(50);
        reader.close();
    }
    // Told of nothing. Events about the readers' table may have woken it to look away again.
    ASSERT_TRUE(waiting.blocks());
    EXPECT_LE(voluntary_switches(waiting.thread()) - before, 30U);
    writer.end_of_stream();
    EXPECT_EQ(waiting.result().tags, std::vector{tag_});
    writer.close();
}

TEST_F(TagWatchTest, IsCancelledFromAnotherThreadUntilResumed) {
    BackgroundCall<TagChanges> waiting([&] { return watch_.wait(); }, [&] { watch_.cancel(); });
    ASSERT_TRUE(waiting.blocks());
    watch_.cancel();
    EXPECT_EQ(waiting.result().status, WatchStatus::Cancelled);
    EXPECT_EQ(watch_.wait().status, WatchStatus::Cancelled);
    watch_.resume();
    EXPECT_EQ(watch_.wait(0ns).status, WatchStatus::Timeout);
}

TEST_F(TagWatchTest, LooksAwayFromOtherFiles) {
    for (const char* name : {"other", "ndsh.x.00112233445566778899aabbccddeeff", "ndsh.x.readers"})
        std::ofstream(directory_.path() / name) << "x";
    EXPECT_EQ(watch_.wait(100ms).status, WatchStatus::Timeout);
    directory_.clear();
    EXPECT_EQ(watch_.wait(100ms).status, WatchStatus::Timeout);
}

TEST_F(TagWatchTest, NamesEachOfManyTagsOnce) {
    std::vector<std::string> names;
    for (int i = 0; i < 30; ++i) {
        names.push_back("many" + std::to_string(100 + i));
        for (int k = 0; k < 3; ++k)
            std::ofstream(directory_.path() / ("ndsh." + names.back())) << "garbage";
    }
    const TagChanges changes = watch_.wait(in_time);
    EXPECT_EQ(changes.tags, names);
    directory_.clear();
}

TEST_F(TagWatchTest, ComesBackWithItsDirectory) {
    std::filesystem::remove(directory_.path());
    const TagChanges gone = watch_.wait(in_time);
    EXPECT_EQ(gone.status, WatchStatus::Changed);
    EXPECT_TRUE(gone.all);
    std::filesystem::create_directory(directory_.path());
    const TagChanges back = watch_.wait(in_time);
    EXPECT_EQ(back.status, WatchStatus::Changed);
    EXPECT_TRUE(back.all);
    Writer writer(tag_);
    EXPECT_TRUE(is_told_until([&] { return look() && look()->alive; }));
}

TEST_F(TagWatchTest, ThatWasMovedFromSaysSo) {
    TagWatch moved = std::move(watch_);
    watch_.cancel();
    watch_.resume();
    EXPECT_EQ(error_of([&] { watch_.wait(0ns); }).code(), ErrorCode::Closed);
    EXPECT_EQ(watch_.obstacle().code(), ErrorCode::Closed);
    EXPECT_EQ(moved.wait(0ns).status, WatchStatus::Timeout);
    EXPECT_EQ(moved.obstacle().code(), ErrorCode::None);
}

class TagWatchInAProcess : public SceneTest {};

TEST_F(TagWatchInAProcess, SaysThatThereAreNoDescriptorsLeftAndWorksOnceThereAre) {
    EXPECT_EQ(outcome_of("tag_watch_without_descriptors"), "TooManyFiles, then Changed");
}

}  // namespace
}  // namespace ndsharray::test
