// SPDX-License-Identifier: BSD-3-Clause
// A program that asked for it leaves no files when a signal ends it.
#include "core_test.hpp"
#include "remote.hpp"

#include <support/child_process.hpp>

#include <csignal>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

namespace ndsharray::test {
namespace {

constexpr int exit_code_of_handler = 7;
volatile std::sig_atomic_t sigterm_came = 0;

bool has(const std::string& wishes, const std::string& wish) {
    std::istringstream words(wishes);
    for (std::string word; words >> word;)
        if (word == wish)
            return true;
    return false;
}

/// What the program had installed before.
void install_handlers(const std::string& wishes) {
    if (has(wishes, "ignores"))
        std::signal(SIGTERM, SIG_IGN);
    if (has(wishes, "counts"))
        std::signal(SIGTERM, [](int) { sigterm_came = 1; });
    if (has(wishes, "exits"))
        std::signal(SIGTERM, [](int) { _exit(exit_code_of_handler); });
}

/// Forks a child that a signal ends. \returns how it ended.
int fork_child(const std::string& tag, bool with_own_writer) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::optional<Writer> own;
        if (with_own_writer) {
            own.emplace(tag);
            write_pattern(*own, bytes_spec(100));
        }
        ::raise(SIGTERM);
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/// A program with a writer. Arguments: tag, wishes. Serves commands.
int run_program(Channel& channel, const Arguments& arguments) {
    const std::string& wishes = arguments.at(1);
    install_handlers(wishes);
    if (!has(wishes, "as_ever"))
        clean_up_on_signals({SIGTERM, SIGINT, SIGHUP, SIGQUIT});
    WriterOptions options;
    options.compat = has(wishes, "compat");
    std::optional<Writer> writer(std::in_place, arguments.at(0), options);
    if (!has(wishes, "no_frame"))
        write_pattern(*writer, bytes_spec(5000));
    if (has(wishes, "two_layouts"))
        writer->configure(bytes_spec(700));
    channel.send("ready");
    while (const auto command = channel.receive(std::nullopt)) {
        if (*command == "fork")
            channel.send(std::to_string(fork_child("child", false)));
        if (*command == "fork with a writer")
            channel.send(std::to_string(fork_child("child", true)));
        if (*command == "write")
            channel.send(std::to_string(write_pattern(*writer, bytes_spec(5000))));
        if (*command == "handled")
            channel.send(std::to_string(sigterm_came));
        if (*command == "close")
            return writer.reset(), 0;
    }
    return 1;
}
const RegisteredRole program_role("signalled_program", run_program);

class Signals : public CoreTest {
  protected:
    void start(const std::string& wishes = "") {
        program_.emplace("signalled_program", Arguments{tag_, wishes});
        ASSERT_EQ(program_->channel().receive(), "ready");
    }
    std::string ask(const std::string& command) {
        program_->channel().send(command);
        return program_->channel().receive().value_or("nothing");
    }
    void send(int signal) { ::kill(program_->pid(), signal); }
    int end_by(int signal) {
        send(signal);
        return program_->wait_for_exit();
    }
    std::vector<std::string> files() const { return directory_.entries(); }

    const std::vector<std::string> none_;
    std::optional<ChildProcess> program_;
};

TEST_F(Signals, EndAProgramThatLeavesNoFile) {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
        start();
        EXPECT_EQ(end_by(signal), -signal);
        EXPECT_EQ(files(), none_) << "signal " << signal;
    }
}

TEST_F(Signals, LeaveTheFilesWhereNobodyAskedForIt) {
    start("as_ever");
    EXPECT_EQ(end_by(SIGTERM), -SIGTERM);
    EXPECT_EQ(files().size(), 3U);
    remove_leftovers(tag_);
}

TEST_F(Signals, RemoveALayoutThatNoFrameCameOf) {
    start("two_layouts");
    EXPECT_EQ(files().size(), 4U);
    end_by(SIGTERM);
    EXPECT_EQ(files(), none_);
}

TEST_F(Signals, RemoveTheFilesFor1x) {
    for (const std::string frames : {"", " no_frame", " two_layouts"}) {
        start("compat" + frames);
        EXPECT_TRUE(std::filesystem::exists(directory_.path() / tag_));
        end_by(SIGTERM);
        EXPECT_EQ(files(), none_) << frames;
    }
}

TEST_F(Signals, LeaveTheFilesOf1xThatLeadToItsOwnData) {
    const std::string data = tag_ + "_0123456789ab4def8123456789abcdef";
    start("compat");
    for (const std::string& name : {data, tag_}) {
        std::FILE* const file = std::fopen((directory_.path() / name).c_str(), "r+");
        std::FILE* const made = file != nullptr ? file : std::fopen((directory_.path() / name).c_str(), "w");
        std::fputs(data.c_str(), made);
        std::fclose(made);
    }
    end_by(SIGTERM);
    EXPECT_EQ(files(), (std::vector<std::string>{tag_, data}));
    directory_.clear();
}

TEST_F(Signals, RemoveWhatADeadWriterLeftAndThisOneTookOver) {
    start("as_ever compat");
    program_->kill();
    start("compat");
    end_by(SIGTERM);
    EXPECT_EQ(files(), none_);
}

TEST_F(Signals, TellTheReadersAtOnce) {
    start();
    Reader reader(tag_);
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Frame);
    send(SIGTERM);
    ReadStatus told = ReadStatus::Frame;
    const auto took = time_of([&] { told = reader.read(in_time).status(); });
    EXPECT_EQ(told, ReadStatus::Disconnected);
    EXPECT_LT(took, with_tolerance(100ms));
    program_->wait_for_exit();
}

TEST_F(Signals, LeaveTheExitCodeToAnEarlierHandler) {
    start("exits");
    EXPECT_EQ(end_by(SIGTERM), exit_code_of_handler);
    EXPECT_EQ(files(), none_);
}

TEST_F(Signals, LetAProgramGoOnWhoseHandlerDoes) {
    start("counts");
    Reader reader(tag_);
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Frame);
    send(SIGTERM);
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Disconnected);  // at once, and the program lives
    EXPECT_TRUE(wait_until([&] { return ask("handled") == "1"; }));
    EXPECT_EQ(files(), none_);
    EXPECT_NE(ask("write"), "0");
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Frame);
    send(SIGTERM);
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Disconnected);
    EXPECT_NE(ask("write"), "0");
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Frame);
    program_->channel().send("close");
    EXPECT_EQ(program_->wait_for_exit(), 0);
}

TEST_F(Signals, ThatAreIgnoredStayIgnored) {
    start("ignores");
    send(SIGTERM);
    EXPECT_NE(ask("write"), "0");
    EXPECT_EQ(files().size(), 3U);
    end_by(SIGINT);
    EXPECT_EQ(files(), none_);
}

TEST_F(Signals, OfAForkedChildRemoveNothingOfItsParent) {
    start();
    EXPECT_EQ(ask("fork"), std::to_string(-SIGTERM));
    EXPECT_EQ(files().size(), 3U);
    EXPECT_EQ(ask("fork with a writer"), std::to_string(-SIGTERM));
    EXPECT_EQ(files().size(), 3U);
    Reader reader(tag_);
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Frame);
    EXPECT_NE(ask("write"), "0");
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Frame);
    end_by(SIGTERM);
}

TEST_F(Signals, LeaveATagThatAnotherWriterHasByNow) {
    start("compat");
    directory_.clear();
    RemoteWriter other(tag_);
    other.write();
    const auto before = files();
    end_by(SIGTERM);
    EXPECT_EQ(files(), before);
    Reader reader(tag_);
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Frame);
    other.close();
}

TEST_F(Signals, OtherThanThoseThatEndAProgramAreRefused) {
    for (const int signal : {SIGSEGV, SIGKILL, SIGCHLD, 0, -1, 1000}) {
        const Error error = error_of([&] { clean_up_on_signals({SIGTERM, signal}); });
        EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
        EXPECT_TRUE(contains(error.what(), "SIGTERM, SIGINT, SIGHUP and SIGQUIT")) << error.what();
    }
    struct sigaction now {};
    ::sigaction(SIGTERM, nullptr, &now);
    EXPECT_EQ(now.sa_handler, SIG_DFL) << "one of them was installed";
}

}  // namespace
}  // namespace ndsharray::test
