// SPDX-License-Identifier: BSD-3-Clause
// Lives in which one call fails, each in a process of its own.
#include "failing_life.hpp"

#include "process_state.hpp"
#include "thread_state.hpp"
#include "wait.hpp"

#include <ndsharray/error.hpp>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>
#include <sstream>
#include <typeinfo>

namespace ndsharray::test {
namespace {

using namespace std::chrono_literals;

/// More calls of a kind than any life makes.
constexpr unsigned too_many_calls = 5000;

/// Problems of one life that are told. The others mostly have the same reason.
constexpr std::size_t enough_problems = 12;

/// What a process holds once it lived, of what must not be left.
struct Holdings {
    unsigned descriptors = 0;
    unsigned threads = 0;
    unsigned tag_mappings = 0;

    static Holdings now() {
        const ProcessState state = process_state();
        return {state.descriptors, state.threads, state.tag_mappings};
    }
    bool exceeds(const Holdings& other) const {
        return descriptors > other.descriptors || threads > other.threads ||
               tag_mappings > other.tag_mappings;
    }
    std::string to_string() const {
        return std::to_string(descriptors) + " descriptors, " + std::to_string(threads) + " threads, " +
               std::to_string(tag_mappings) + " mappings";
    }
};

/// What a process says in the end.
struct Ending {
    bool failed = false;  // the call
    Holdings holdings;
    std::string problem;
};

/// \param allowed what may be held in the end; nothing: anything.
Ending live_here(const FailingLife& life, const Failure& failure, const std::optional<Holdings>& allowed) {
    Ending ending;
    const char* part = "";
    try {
        Steps steps;
        plan_failure(failure, life.only_ours);
        life.live(steps);
        end_failures();
        ending.failed = failure_happened();
        part = "afterwards: ";
        plan_failure({});
        life.live(steps);
        ending.holdings = Holdings::now();
        if (allowed) {
            wait_until([&] { return !(ending.holdings = Holdings::now()).exceeds(*allowed); }, 2s);
            if (ending.holdings.exceeds(*allowed))
                ending.problem = ending.holdings.to_string() + " are left; without a failure " +
                                 allowed->to_string() + "; threads: " + names_of_other_threads();
        }
    } catch (const std::exception& error) {
        ending.failed = failure_happened();
        end_failures();
        ending.problem = std::string(part) + error.what();
    }
    return ending;
}

std::string receive_all(int from, std::chrono::steady_clock::time_point deadline) {
    std::string text;
    char buffer[4096];
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd polled{from, POLLIN, 0};
        if (left <= 0ms || ::poll(&polled, 1, static_cast<int>(left.count())) <= 0)
            return text;
        const ssize_t length = ::read(from, buffer, sizeof buffer);
        if (length <= 0)
            return text;
        text.append(buffer, static_cast<std::size_t>(length));
    }
}

/// The same in a process of its own.
Ending live_elsewhere(const FailingLife& life, const Failure& failure,
                      const std::optional<Holdings>& allowed) {
    int ends[2];
    if (::pipe(ends) != 0)
        throw std::runtime_error("no pipe");
    std::cout.flush();
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        const Ending ending = live_here(life, failure, allowed);
        std::ostringstream out;
        out << ending.failed << ' ' << ending.holdings.descriptors << ' ' << ending.holdings.threads << ' '
            << ending.holdings.tag_mappings << ' ' << ending.problem;
        const std::string text = out.str();
        const ssize_t written = ::write(ends[1], text.data(), text.size());
        ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
    }
    ::close(ends[1]);
    const std::string text = receive_all(ends[0], std::chrono::steady_clock::now() + 4 * patience);
    ::close(ends[0]);
    if (text.empty())
        ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    Ending ending;
    ending.failed = true;
    if (text.empty()) {
        ending.problem = WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL
                             ? std::string("the process died of ") + ::strsignal(WTERMSIG(status))
                             : "the process hangs";
        return ending;
    }
    std::istringstream in(text);
    in >> ending.failed >> ending.holdings.descriptors >> ending.holdings.threads >>
        ending.holdings.tag_mappings;
    in.ignore();
    std::getline(in, ending.problem, '\0');
    return ending;
}

bool may_last(Call call) {
    return call == Call::Allocation || call == Call::Thread || call == Call::Open || call == Call::Map ||
           call == Call::Inotify || call == Call::InotifyWatch || call == Call::EventFd;
}

/// \returns how many calls there were.
unsigned fail_each(const FailingLife& life, Failure failure, unsigned step, const Holdings& allowed,
                   FailureCount& count, std::vector<std::string>& problems) {
    unsigned calls = 0;
    for (failure.n = 1; failure.n < too_many_calls && problems.size() < enough_problems; failure.n += step) {
        const Ending ending = live_elsewhere(life, failure, allowed);
        if (!ending.problem.empty())
            problems.push_back(life.name + ", " + to_string(failure) + ": " + ending.problem);
        if (!ending.failed)
            break;
        ++count.lives;
        calls = failure.n;
    }
    return calls;
}

}  // namespace

void Steps::run(const std::string& what, const std::function<bool()>& step,
                const std::function<void()>& after) {
    constexpr int tries = 3;  // what is refused lastingly may need one to say so
    for (int attempt = 1;; ++attempt) {
        std::string problem = "it was refused";
        try {
            bool done = false;
            {
                const Armed armed;
                done = step();
            }
            if (done)
                return;
        } catch (const Error& error) {
            problem = error.what();
        } catch (const std::exception& error) {
            throw std::runtime_error(what + " threw " + typeid(error).name() + ": " + error.what());
        }
        if (!failure_happened())
            throw std::runtime_error(what + " failed although no call did: " + problem);
        end_failures();
        if (after)
            after();
        if (attempt == tries)
            throw std::runtime_error(what + " does not work again: " + problem);
    }
}

FailingOutcome fail_each_call(const FailingLife& life, Extent extent) {
    FailingOutcome outcome;
    const Ending good = live_elsewhere(life, {}, std::nullopt);
    if (!good.problem.empty()) {
        outcome.problems.push_back(life.name + ", nothing fails: " + good.problem);
        return outcome;
    }
    for (const FallibleCall& call : fallible_calls()) {
        FailureCount count{call.name};
        const unsigned step =
            extent == Extent::Bounded && call.call == Call::Allocation ? life.bounded_step : 1;
        for (const int error : call.errors) {
            const Failure failure{call.call, error};
            const unsigned calls = fail_each(life, failure, step, good.holdings, count, outcome.problems);
            count.calls = std::max(count.calls, calls);
            ++count.errors;
            if (extent == Extent::Bounded || calls == 0)
                break;
        }
        if (extent == Extent::Full && count.calls > 0 && may_last(call.call))
            fail_each(life, {call.call, call.errors.front(), 0, true}, step, good.holdings, count,
                      outcome.problems);
        if (count.lives > 0)
            outcome.counts.push_back(count);
    }
    return outcome;
}

}  // namespace ndsharray::test
