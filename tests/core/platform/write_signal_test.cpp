// SPDX-License-Identifier: BSD-3-Clause
// A write into a frame, which is only to be read: it is explained, and then goes where SIGSEGV went before.
#include "core_test.hpp"
#include "scenes.hpp"
#include "signal_scenes.hpp"

#include <array>
#include <string>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

namespace ndsharray::test {
namespace {

const auto kernel_page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));

/// Makes room for the access, so that the program goes on.
void give_a_page(int, siginfo_t* info, void*) {
    ++handled;
    handled_at = info->si_addr;
    void* const begin =
        static_cast<char*>(info->si_addr) - reinterpret_cast<std::uintptr_t>(info->si_addr) % kernel_page;
    ::mmap(begin, kernel_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

void handle_violation(void (*handler)(int, siginfo_t*, void*), int flags = 0) {
    struct sigaction action {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | flags;
    ::sigaction(SIGSEGV, &action, nullptr);
}

/// What is written to stderr meanwhile.
template <typename Call>
std::string said_in(Call call) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
        return "no pipe";
    const int before = ::dup(STDERR_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    call();
    ::dup2(before, STDERR_FILENO);
    std::array<char, 4096> text{};
    const ssize_t length = ::read(ends[0], text.data(), text.size());
    for (const int end : {ends[0], ends[1], before})
        ::close(end);
    return {text.data(), static_cast<std::size_t>(length > 0 ? length : 0)};
}

/// A frame of two pages that nobody may write but its writer.
struct HeldFrame {
    explicit HeldFrame(const std::string& tag) : writer(tag), reader(tag) {
        write_pattern(writer, bytes_spec(2 * kernel_page));
        frame = reader.read(in_time);
    }
    void write(std::size_t offset = 0) {
        const_cast<volatile std::byte*>(frame.data())[offset] = std::byte{1};
    }

    Writer writer;
    Reader reader;
    Frame frame;
};

std::string times(const std::string& said, const std::string& tag) {
    const std::string part = "write into a frame of tag \"" + tag + "\"";
    int count = 0;
    for (std::size_t at = said.find(part); at != said.npos; at = said.find(part, at + 1))
        ++count;
    return "said " + std::to_string(count) + " times, handled " + std::to_string(handled);
}

}  // namespace

const RegisteredScenes write_signal_scenes({
    {"write_handled_with_address",
     [](const std::string& tag) {
         handle_violation(give_a_page);
         HeldFrame held(tag);
         const std::string said = said_in([&] { held.write(5); });
         const bool there = handled_at == const_cast<std::byte*>(held.frame.data()) + 5;
         const bool helps = contains(said, "frame.copy()") && contains(said, "ReaderOptions::writable");
         return times(said, tag) + (there ? ", there" : ", elsewhere") + (helps ? ", with advice" : "");
     }},
    {"write_elsewhere",
     [](const std::string& tag) {
         handle_violation(give_a_page);
         HeldFrame held(tag);
         void* own = ::mmap(nullptr, kernel_page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
         return times(said_in([&] { *static_cast<volatile char*>(own) = 1; }), tag);
     }},
    {"write_after_release",
     [](const std::string& tag) {
         handle_violation(give_a_page);
         { const HeldFrame held(tag); }
         void* own = ::mmap(nullptr, 100 * kernel_page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
         return times(said_in([&] { *static_cast<volatile char*>(own) = 1; }), tag);
     }},
    {"sent",
     [](const std::string& tag) {
         struct sigaction action {};
         action.sa_handler = count_signal;
         ::sigaction(SIGSEGV, &action, nullptr);
         const HeldFrame held(tag);
         return times(said_in([] { ::raise(SIGSEGV); }), tag);
     }},
    {"sent_ignored",
     [](const std::string& tag) {
         struct sigaction action {};
         action.sa_handler = SIG_IGN;
         ::sigaction(SIGSEGV, &action, nullptr);
         const HeldFrame held(tag);
         return times(said_in([] { ::raise(SIGSEGV); }), tag);
     }},
    {"write_ignored",
     [](const std::string& tag) {
         struct sigaction action {};
         action.sa_handler = SIG_IGN;
         ::sigaction(SIGSEGV, &action, nullptr);
         HeldFrame held(tag);
         held.write();
         return std::string("not ended");
     }},
    {"write_default",
     [](const std::string& tag) {
         HeldFrame held(tag);
         held.write();
         return std::string("not ended");
     }},
    {"write_handled_once",
     [](const std::string& tag) {
         handle_violation([](int, siginfo_t*, void*) { ++handled; }, static_cast<int>(SA_RESETHAND));
         HeldFrame held(tag);
         held.write();  // again when the handler has returned, by default then
         return std::string("not ended");
     }},
});

namespace {

class WriteSignal : public SignalSceneTest {};

TEST_F(WriteSignal, IsExplainedAndGoesToTheApplicationsHandler) {
    EXPECT_EQ(outcome_of("write_handled_with_address"), "said 1 times, handled 1, there, with advice");
}

TEST_F(WriteSignal, OfTheApplicationsOwnMemoryIsNotExplained) {
    EXPECT_EQ(outcome_of("write_elsewhere"), "said 0 times, handled 1");
    EXPECT_EQ(outcome_of("write_after_release"), "said 0 times, handled 1");
}

TEST_F(WriteSignal, SentToTheApplicationGoesToItsHandler) {
    EXPECT_EQ(outcome_of("sent"), "said 0 times, handled 1");
    EXPECT_EQ(outcome_of("sent_ignored"), "said 0 times, handled 0");
}

TEST_F(WriteSignal, EndsTheProgramWhereNobodyHandlesIt) {
    EXPECT_EQ(outcome_of("write_default"), ended_by(SIGSEGV));
    EXPECT_EQ(outcome_of("write_ignored"), ended_by(SIGSEGV));
}

TEST_F(WriteSignal, GoesOnceToAHandlerForOneTime) {
    EXPECT_EQ(outcome_of("write_handled_once"), ended_by(SIGSEGV));
}

}  // namespace
}  // namespace ndsharray::test
