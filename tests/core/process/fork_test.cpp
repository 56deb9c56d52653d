// SPDX-License-Identifier: BSD-3-Clause
// What a forked child inherits: nothing that works, nothing that harms the parent, nothing that keeps a tag.
#include "core_test.hpp"
#include "forked_child.hpp"
#include "remote.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <map>
#include <optional>
#include <thread>
#include <utility>

namespace ndsharray::test {
namespace {

/// What a process has when it forks.
struct Inheritance {
    explicit Inheritance(const std::string& tag) : writer(tag), reader(tag) {
        write_pattern(*writer, bytes_spec(5000));
        frame = reader->read(patience);
    }

    std::optional<Writer> writer;
    std::optional<Reader> reader;
    Frame frame;
};

/// What a forked child does with it. \returns what it found.
using ChildPart = std::string (*)(Inheritance&);

const std::map<std::string, ChildPart, std::less<>> child_parts = {
    {"read",
     [](Inheritance& own) {
         const Frame frame = own.reader->read(patience);
         return std::string(name(frame.status())) + ' ' + std::string(name(own.reader->error().code()));
     }},
    {"read_for_ever", [](Inheritance& own) { return std::string(name(own.reader->read().status())); }},
    {"acquire", [](Inheritance& own) { return std::string(name(own.writer->acquire(patience).status())); }},
    {"configure",
     [](Inheritance& own) {
         return std::string(name(error_of([&] { own.writer->configure(bytes_spec(10)); }).code()));
     }},
    {"write",
     [](Inheritance& own) {
         const std::byte pixels[10] = {};
         return std::string(name(error_of([&] { own.writer->write({pixels, bytes_spec(10)}); }).code()));
     }},
    {"wait",
     [](Inheritance& own) {
         return std::string(name(own.writer->wait_for_reader(patience))) + ' ' +
                std::string(name(own.writer->drain(patience)));
     }},
    {"use_everything_else",
     [](Inheritance& own) {
         own.writer->end_of_stream();
         own.writer->cancel();
         own.writer->on_reader_change([](const ReaderChange&) {});
         own.writer->stats();
         own.reader->cancel();
         own.reader->suspend(true);
         own.reader->stats();
         own.reader->attached();
         return std::string("done");
     }},
    {"close",
     [](Inheritance& own) {
         own.writer->close();
         return std::string("done");
     }},
    {"destroy",
     [](Inheritance& own) {
         own.frame = Frame();
         own.reader.reset();
         own.writer.reset();
         return std::string("done");
     }},
    {"look_at_frame", [](Inheritance& own) { return std::string(is_intact(own.frame) ? "intact" : "torn"); }},
    {"own_reader",
     [](Inheritance& own) {
         Reader reader(own.reader->tag());
         const Frame frame = reader.read(patience);
         return std::string(frame && is_intact(frame) && !frame.is_copy() ? "a frame" : name(frame.status()));
     }},
    {"own_writer",
     [](Inheritance&) {
         Writer writer("of-the-child");
         Reader reader("of-the-child");
         write_pattern(writer, bytes_spec(10));
         const Frame frame = reader.read(patience);
         return std::string(frame && is_intact(frame) ? "a frame" : name(frame.status()));
     }},
    {"same_tag",
     [](Inheritance& own) {
         return std::string(name(error_of([&] { Writer writer(own.writer->tag()); }).code()));
     }},
};

/// Whether everything still works in the parent.
std::string look_after_fork(Inheritance& own) {
    for (int i = 0; i < 100; ++i)
        if (write_pattern(*own.writer, bytes_spec(5000)) == 0)
            return "a frame was not published";
    if (!is_intact(own.frame))
        return "the held frame was overwritten";
    const Frame next = own.reader->read(patience);
    return next.number() == 101 && is_intact(next) && !next.is_copy() ? "unharmed" : "no next frame";
}

/// Forks and lets the child do its part; then looks at what became of the parent.
int fork_once(Channel& channel, const Arguments& arguments) {
    Inheritance own(arguments.at(0));
    const pid_t child = ::fork();
    if (child == 0) {
        channel.send(child_parts.at(arguments.at(1))(own));
        ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    channel.send(look_after_fork(own));
    channel.receive(std::nullopt);
    return 0;
}
const RegisteredRole fork_once_role("fork_once", fork_once);

/// Whether an inherited writer refuses a frame by either way to write one.
bool refuses_frames(Writer& writer) {
    const std::byte pixels[10] = {};
    return error_of([&] {
               writer.write({pixels, bytes_spec(10)});
           }).code() == ErrorCode::Forked &&
           error_of([&] { writer.acquire(bytes_spec(10), 10ms); }).code() == ErrorCode::Forked;
}

/// Forks again and again while other threads use the writer. Tells how many children were refused a frame.
int fork_while_busy(Channel& channel, const Arguments& arguments) {
    Writer writer(arguments.at(0));
    const auto write = [&](const std::stop_token& stop) {
        while (!stop.stop_requested())
            if (WritableFrame frame = writer.acquire(bytes_spec(1000)))
                writer.publish(std::move(frame));
    };
    const auto look = [&](const std::stop_token& stop) {
        while (!stop.stop_requested())
            writer.stats();
    };
    const std::jthread writing(write), looking(look);
    wait_until([&] { return writer.stats().published > 0; });
    int refused = 0;
    for (bool going_well = true; going_well && refused < 30; refused += going_well ? 1 : 0) {
        const pid_t child = ::fork();
        if (child == 0)
            ::_exit(refuses_frames(writer) ? 0 : 1);
        going_well = ends_well(child, 2s);
    }
    channel.send(std::to_string(refused) + " refused");
    return 0;
}
const RegisteredRole fork_while_busy_role("fork_while_busy", fork_while_busy);

/// Forks a child that answers messages, and does nothing more.
int fork_and_stay(Channel& channel, const Arguments& arguments) {
    std::optional<Writer> writer;
    std::optional<Reader> reader;
    Frame held;
    if (arguments.at(1) == "writer") {
        writer.emplace(arguments.at(0));
        write_pattern(*writer, bytes_spec(5000));
    } else {
        reader.emplace(arguments.at(0), in_order());
        held = reader->read(patience);
    }
    if (::fork() == 0) {
        channel.send("forked");
        while (const auto message = channel.receive(std::nullopt))
            channel.send(*message);
        ::_exit(0);
    }
    for (;;)
        ::pause();
}
const RegisteredRole fork_and_stay_role("fork_and_stay", fork_and_stay);

/// Files of tags that this process has open.
int list_open_files(Channel& channel, const Arguments&) {
    std::string names;
    for (const auto& descriptor : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        const std::string target = std::filesystem::read_symlink(descriptor.path(), gone);
        if (contains(target, "ndsh."))
            names += target + ' ';
    }
    channel.send("open: " + names);
    return 0;
}
const RegisteredRole list_open_files_role("list_open_files", list_open_files);

class Fork : public CoreTest {
  protected:
    /// What a forked child says after it did its part.
    std::string child_says(const std::string& part) {
        parent_.emplace("fork_once", Arguments{tag_, part});
        return parent_->channel().receive().value_or("nothing");
    }

    /// What the parent says after that.
    std::string parent_says() { return parent_->channel().receive().value_or("nothing"); }

    void TearDown() override {
        if (parent_) {
            parent_->channel().send("end");
            EXPECT_EQ(parent_->wait_for_exit(), 0);
        }
    }

    std::optional<ChildProcess> parent_;
};

TEST_F(Fork, InheritedReaderFailsToRead) {
    EXPECT_EQ(child_says("read"), "Failed Forked");
    EXPECT_EQ(parent_says(), "unharmed");
}

TEST_F(Fork, InheritedReaderDoesNotWait) {
    EXPECT_EQ(child_says("read_for_ever"), "Failed");
    EXPECT_EQ(parent_says(), "unharmed");
}

TEST_F(Fork, InheritedWriterIsClosedToAcquire) {
    EXPECT_EQ(child_says("acquire"), "Closed");
    EXPECT_EQ(parent_says(), "unharmed");
}

TEST_F(Fork, InheritedWriterRefusesConfigure) {
    EXPECT_EQ(child_says("configure"), "Forked");
    EXPECT_EQ(parent_says(), "unharmed");
}

TEST_F(Fork, InheritedWriterRefusesWrite) {
    EXPECT_EQ(child_says("write"), "Forked");
    EXPECT_EQ(parent_says(), "unharmed");
}

TEST_F(Fork, InheritedWriterRefusesFramesEvenIfItWasBusy) {
    ChildProcess parent("fork_while_busy", {tag_});
    EXPECT_EQ(parent.channel().receive(), "30 refused");
    EXPECT_EQ(parent.wait_for_exit(), 0);
}

TEST_F(Fork, InheritedWriterDoesNotWait) {
    EXPECT_EQ(child_says("wait"), "Closed Closed");
    EXPECT_EQ(parent_says(), "unharmed");
}

TEST_F(Fork, OtherUseOfWhatIsInheritedDoesNoHarm) {
    EXPECT_EQ(child_says("use_everything_else"), "done");
    EXPECT_EQ(parent_says(), "unharmed");
}

TEST_F(Fork, ClosingAnInheritedWriterDoesNoHarm) {
    EXPECT_EQ(child_says("close"), "done");
    EXPECT_EQ(parent_says(), "unharmed");
}

TEST_F(Fork, DestroyingWhatIsInheritedDoesNoHarm) {
    EXPECT_EQ(child_says("destroy"), "done");
    EXPECT_EQ(parent_says(), "unharmed");
}

TEST_F(Fork, TagStaysTakenWhenTheChildEnds) {
    EXPECT_EQ(child_says("destroy"), "done");
    EXPECT_EQ(parent_says(), "unharmed");
    EXPECT_EQ(error_of([&] { Writer second(tag_); }).code(), ErrorCode::TagInUse);
}

TEST_F(Fork, InheritedFrameIsStillThere) {
    EXPECT_EQ(child_says("look_at_frame"), "intact");
    EXPECT_EQ(parent_says(), "unharmed");
}

TEST_F(Fork, ChildMayHaveItsOwnReader) {
    EXPECT_EQ(child_says("own_reader"), "a frame");
    EXPECT_EQ(parent_says(), "unharmed");
}

TEST_F(Fork, ChildMayHaveItsOwnWriterOfAnotherTag) {
    EXPECT_EQ(child_says("own_writer"), "a frame");
    EXPECT_EQ(parent_says(), "unharmed");
    EXPECT_EQ(directory_.entries().size(), 3U);
}

TEST_F(Fork, ChildMayNotTakeItsParentsTag) {
    EXPECT_EQ(child_says("same_tag"), "TagInUse");
    EXPECT_EQ(parent_says(), "unharmed");
}

TEST_F(Fork, ChildDoesNotKeepTheTagOfItsKilledParent) {
    ChildProcess parent("fork_and_stay", {tag_, "writer"});
    ASSERT_EQ(parent.channel().receive(), "forked");
    Reader reader(tag_);
    ASSERT_TRUE(reader.read(in_time));
    parent.kill();
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Disconnected);
    Writer next(tag_);
    EXPECT_NE(write_pattern(next, spec_), 0U);
    parent.channel().send("there?");
    EXPECT_EQ(parent.channel().receive(), "there?") << "the child was to be alive";
}

TEST_F(Fork, ChildDoesNotKeepTheLeasesOfItsKilledParent) {
    Writer writer(tag_, {.backpressure = true});
    write_pattern(writer, spec_);
    ChildProcess parent("fork_and_stay", {tag_, "reader"});
    ASSERT_EQ(parent.channel().receive(), "forked");
    parent.kill();
    for (int i = 0; i < 20; ++i)
        EXPECT_NE(write_pattern(writer, spec_), 0U);
    EXPECT_TRUE(wait_until([&] { return writer.stats().readers == 0; }));
    parent.channel().send("there?");
    EXPECT_EQ(parent.channel().receive(), "there?") << "the child was to be alive";
}

TEST_F(Fork, ProgramStartedMeanwhileHasNoFileOpen) {
    Inheritance own(tag_);
    ChildProcess started("list_open_files");
    EXPECT_EQ(started.channel().receive(), "open: ");
}

}  // namespace
}  // namespace ndsharray::test
