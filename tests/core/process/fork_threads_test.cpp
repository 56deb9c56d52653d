// SPDX-License-Identifier: BSD-3-Clause
// Forks that come while other threads are anywhere in the library, and children that go on to live.
#include "core_test.hpp"
#include "forked_child.hpp"
#include "remote.hpp"

#include <support/process_state.hpp>

#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace ndsharray::test {
namespace {

/// Everything a process can have of a tag. Its reader copies.
struct Everything {
    explicit Everything(const std::string& tag) : writer(tag), reader(std::in_place, tag, with_leases(0)) {
        write_pattern(*writer, bytes_spec(100));
        copy = reader->read(patience);
        unpublished = writer->acquire(patience);
    }

    void destroy() {
        copy = Frame();
        unpublished = WritableFrame();
        reader.reset();
        writer.reset();
    }

    std::optional<Writer> writer;
    std::optional<Reader> reader;
    Frame copy;
    WritableFrame unpublished;
};

/// Forks again and again while threads write, read, look and change layouts. Tells how many children could
/// destroy all they inherited and end as programs end.
int fork_and_end(Channel& channel, const Arguments& arguments) {
    Everything steady(arguments.at(0)), changing(arguments.at(0) + ".changing");
    const auto write = [&](const std::stop_token& stop) {
        while (!stop.stop_requested())
            write_pattern(*steady.writer, bytes_spec(100));
    };
    const auto read = [&](const std::stop_token& stop) {
        while (!stop.stop_requested())
            steady.reader->read(10ms);
    };
    const auto change = [&](const std::stop_token& stop) {
        for (std::uint64_t bytes = 1; !stop.stop_requested(); bytes = bytes % 1000 + 1) {
            write_pattern(*changing.writer, bytes_spec(bytes));
            changing.reader->read(0ns);
        }
    };
    const auto look = [&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            steady.writer->stats();
            steady.reader->stats();
        }
    };
    int ended = 0;
    {
        const std::jthread writing(write), reading(read), also_changing(change), looking(look);
        for (bool going_well = true; going_well && ended < 200; ended += going_well ? 1 : 0) {
            const pid_t child = ::fork();
            if (child == 0) {
                steady.destroy();
                changing.destroy();
                std::exit(0);
            }
            going_well = ends_well(child, 5s);
        }
    }
    const bool unharmed = write_pattern(*steady.writer, bytes_spec(100)) != 0 && is_intact(steady.copy) &&
                          is_intact(steady.reader->read(patience));
    channel.send(std::to_string(ended) + " ended, " + (unharmed ? "unharmed" : "harmed"));
    return 0;
}
const RegisteredRole fork_and_end_role("fork_and_end", fork_and_end);

/// Forks again and again while a thread gets and drops copies of frames. Tells how many children could drop
/// one.
int fork_and_drop(Channel& channel, const Arguments& arguments) {
    Everything own(arguments.at(0));
    int ended = 0;
    {
        const std::jthread copying([&](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                write_pattern(*own.writer, bytes_spec(100));
                own.reader->read(0ns);
            }
        });
        for (bool going_well = true; going_well && ended < 1000; ended += going_well ? 1 : 0) {
            const pid_t child = ::fork();
            if (child == 0) {
                own.copy = Frame();
                ::_exit(0);
            }
            going_well = ends_well(child, 5s);
        }
    }
    channel.send(std::to_string(ended) + " ended");
    return 0;
}
const RegisteredRole fork_and_drop_role("fork_and_drop", fork_and_drop);

/// Waits in a child until the test goes.
[[noreturn]] void stay(Channel& channel) {
    channel.receive(std::nullopt);
    ::_exit(0);
}

constexpr int tags_opened = 300;

std::string numbered(const std::string& tag, int number) {
    return tag + "-" + std::to_string(number);
}

/// Opens writers and readers of many tags while another thread forks children, which stay.
int fork_while_opening(Channel& channel, const Arguments& arguments) {
    raise_file_limit();
    std::vector<Writer> writers;
    std::vector<Reader> readers;
    std::atomic<int> children = 0;
    {
        const std::jthread forking([&](const std::stop_token& stop) {
            for (; !stop.stop_requested() && children < 400; ++children)
                if (::fork() == 0)
                    stay(channel);
        });
        for (int i = 0; i < tags_opened; ++i) {
            writers.emplace_back(numbered(arguments.at(0), i));
            readers.emplace_back(numbered(arguments.at(0), i));
            // On a busy machine the other thread may come to few forks: then this one waits for it.
            if (!attach(readers.back()) || !wait_until([&] { return children >= i / 20; }))
                return 1;
        }
    }
    channel.send(std::to_string(children));
    for (;;)
        ::pause();
}
const RegisteredRole fork_while_opening_role("fork_while_opening", fork_while_opening);

/// Starts a program that answers what it is told, by `fork` and `exec` or by `posix_spawn`; then stays.
int start_program(Channel& channel, const Arguments& arguments) {
    constexpr int channel_descriptor = 3;
    const Writer writer(arguments.at(0));
    char* const argv[] = {const_cast<char*>("cat"), nullptr};
    if (arguments.at(1) == "fork") {
        if (::fork() == 0) {
            ::dup2(channel_descriptor, STDIN_FILENO);
            ::dup2(channel_descriptor, STDOUT_FILENO);
            ::execvp(argv[0], argv);
            ::_exit(127);
        }
    } else {
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, channel_descriptor, STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, channel_descriptor, STDOUT_FILENO);
        pid_t pid = -1;
        ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv, environ);
        ::posix_spawn_file_actions_destroy(&actions);
    }
    channel.send("started");
    for (;;)
        ::pause();
}
const RegisteredRole start_program_role("start_program", start_program);

/// Becomes a daemon after it took the tag, as daemon(3) does it; the daemon takes the tag for itself.
int daemonize(Channel& channel, const Arguments& arguments) {
    Everything own(arguments.at(0));
    if (::fork() != 0)
        ::_exit(0);
    ::setsid();
    if (::fork() != 0)
        ::_exit(0);
    const Frame refused = own.reader->read(patience);
    std::string said(name(own.reader->error().code()));
    own.destroy();
    {
        std::optional<Writer> writer;
        wait_until([&] {
            error_of([&] { writer.emplace(arguments.at(0)); });
            return writer.has_value();
        });
        Reader reader(arguments.at(0));
        const bool wrote = writer && write_pattern(*writer, bytes_spec(10)) != 0;
        said += wrote && is_intact(reader.read(patience)) ? ", then a frame" : ", then nothing";
    }
    channel.send(said);
    return 0;
}
const RegisteredRole daemonize_role("daemonize", daemonize);

/// Reads in a child of a process that watches files itself, and tells what comes.
int read_in_child(Channel& channel, const Arguments& arguments) {
    Reader outer(arguments.at(0));
    if (!outer.read(patience))
        return 1;
    const pid_t child = ::fork();
    if (child == 0) {
        Reader inner(arguments.at(0));
        channel.send(std::string("child ") + std::string(name(inner.read(patience).status())));
        channel.send(std::string("child ") + std::string(name(inner.read(patience).status())));
        ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    channel.send(std::string("parent ") + std::string(name(outer.read(patience).status())));
    return 0;
}
const RegisteredRole read_in_child_role("read_in_child", read_in_child);

/// Forks in a callback of the library, where the child goes back to. Tells whether that ends it, and what its
/// own reader hears of a writer's death after that.
int fork_in_callback(Channel& channel, const Arguments& arguments) {
    Writer writer(arguments.at(0) + ".own");
    Reader reader(arguments.at(0));
    if (!reader.read(patience))
        return 1;
    std::atomic<pid_t> child = -1;
    writer.on_reader_change([&](const ReaderChange&) {
        if (child != -1)
            return;
        child = ::fork();
        if (child == 0)
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    });
    Reader attaching(arguments.at(0) + ".own");
    if (!attach(attaching) || !wait_until([&] { return child > 0; }))
        return 1;
    channel.send(ends_well(child, 5s) ? "ended" : "went on");
    channel.send(std::string(name(reader.read(patience).status())));
    return 0;
}
const RegisteredRole fork_in_callback_role("fork_in_callback", fork_in_callback);

class ForkAmongThreads : public CoreTest {
  protected:
    /// Whether the tag can be taken although a program lives whose parent held it and was killed.
    void expect_free_after_death_of_starter(const std::string& method) {
        ChildProcess starter("start_program", {tag_, method});
        ASSERT_EQ(starter.channel().receive(), "started");
        ASSERT_EQ(error_of([&] { Writer second(tag_); }).code(), ErrorCode::TagInUse);
        starter.kill();
        // The kernel closes what a program is not to inherit just after it let the starter go on.
        EXPECT_TRUE(
            wait_until([&] { return error_of([&] { Writer next(tag_); }).code() == ErrorCode::None; }));
        starter.channel().send("there?");
        EXPECT_EQ(starter.channel().receive(), "there?") << "the program was to be alive";
    }
};

TEST_F(ForkAmongThreads, ChildrenThatEndNormallyDoEnd) {
    ChildProcess parent("fork_and_end", {tag_});
    EXPECT_EQ(parent.channel().receive(6 * patience), "200 ended, unharmed");
    EXPECT_EQ(parent.wait_for_exit(), 0);
}

TEST_F(ForkAmongThreads, ChildrenMayDropFramesThatWereCopied) {
    ChildProcess parent("fork_and_drop", {tag_});
    EXPECT_EQ(parent.channel().receive(6 * patience), "1000 ended");
    EXPECT_EQ(parent.wait_for_exit(), 0);
}

TEST_F(ForkAmongThreads, NoChildKeepsATagThatWasJustBeingOpened) {
    ChildProcess parent("fork_while_opening", {tag_});
    const auto children = parent.channel().receive(6 * patience);
    ASSERT_TRUE(children);
    EXPECT_GT(std::stoi(*children), 10) << "not often enough to tell";
    parent.kill();
    int kept = 0, kept_readers = 0;
    for (int i = 0; i < tags_opened; ++i) {
        const Error error = error_of([&] {
            Writer writer(numbered(tag_, i));
            kept_readers += writer.stats().readers > 0 ? 1 : 0;
        });
        kept += error.code() == ErrorCode::None ? 0 : 1;
    }
    EXPECT_EQ(kept, 0) << "tags that children of a killed writer keep";
    EXPECT_EQ(kept_readers, 0) << "tags at which children of a killed reader stand for it";
    if (kept > 0)
        directory_.clear();
}

TEST_F(ForkAmongThreads, ProgramStartedByForkAndExecDoesNotKeepATag) {
    expect_free_after_death_of_starter("fork");
}

TEST_F(ForkAmongThreads, ProgramStartedByPosixSpawnDoesNotKeepATag) {
    expect_free_after_death_of_starter("spawn");
}

TEST_F(ForkAmongThreads, DaemonTakesTheTagOfTheProcessItCameFrom) {
    ChildProcess process("daemonize", {tag_});
    EXPECT_EQ(process.channel().receive(), "Forked, then a frame");
    EXPECT_EQ(process.channel().receive(), std::nullopt) << "the daemon was to end";
}

TEST_F(ForkAmongThreads, ChildAndParentBothHearOfAWritersDeath) {
    RemoteWriter writer(tag_);
    writer.write();
    ChildProcess reading("read_in_child", {tag_});
    ASSERT_EQ(reading.channel().receive(), "child Frame");
    writer.kill();
    EXPECT_EQ(reading.channel().receive(), "child Disconnected");
    EXPECT_EQ(reading.channel().receive(), "parent Disconnected");
    EXPECT_EQ(reading.wait_for_exit(), 0);
    Writer clean(tag_);
}

TEST_F(ForkAmongThreads, ChildThatGoesBackIntoTheLibraryTakesNoEventsFromItsParent) {
    RemoteWriter writer(tag_);
    writer.write();
    ChildProcess forking("fork_in_callback", {tag_});
    EXPECT_EQ(forking.channel().receive(), "ended") << "it would have taken what the parent waits for";
    writer.kill();
    EXPECT_EQ(forking.channel().receive(2 * patience), "Disconnected");
    EXPECT_EQ(forking.wait_for_exit(), 0);
    Writer clean(tag_);
}

}  // namespace
}  // namespace ndsharray::test
