// SPDX-License-Identifier: BSD-3-Clause
// SIGBUS, by which the library notices that a file was cut, is the application's for everything else.
#include "core_test.hpp"
#include "scenes.hpp"
#include "signal_scenes.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace ndsharray::test {
namespace {

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
    std::filesystem::resize_file(std::filesystem::path(directory()) / writer.segment_name(), 0);
    return sum_of(frame) == 0 ? "survived" : "not cut";
}

}  // namespace

const RegisteredScenes bus_signal_scenes({
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
         std::filesystem::resize_file(std::filesystem::path(directory()) / writer.segment_name(), 0);
         const pid_t child = ::fork();
         if (child == 0)
             ::_exit(sum_of(frame) == 0 ? 0 : 1);
         int status = 0;
         ::waitpid(child, &status, 0);
         return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "survived" : "died";
     }},
});

namespace {

class BusSignal : public SignalSceneTest {};

TEST_F(BusSignal, OfTheApplicationsOwnFilesEndsItAsEver) {
    EXPECT_EQ(outcome_of("default"), ended_by(SIGBUS));
}

TEST_F(BusSignal, SentToTheApplicationEndsItAsEver) {
    EXPECT_EQ(outcome_of("default_sent"), ended_by(SIGBUS));
}

TEST_F(BusSignal, SentToTheApplicationIsIgnoredAsEver) {
    EXPECT_EQ(outcome_of("ignored_sent"), "survived, ignored");
}

TEST_F(BusSignal, OfAnAccessIsNotIgnored) {
    EXPECT_EQ(outcome_of("ignored"), ended_by(SIGBUS));
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
