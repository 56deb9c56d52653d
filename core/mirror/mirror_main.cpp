// SPDX-License-Identifier: BSD-3-Clause
// ndsh-mirror: mirrors tags of another machine, or lists what it shares.
#include "descriptors.hpp"
#include "end_signals.hpp"
#include "options.hpp"
#include "report.hpp"

#include <ndsharray/error.hpp>
#include <ndsharray/tag_info.hpp>

#include <fmt/format.h>
#include <output.hpp>
#include <text.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>

namespace {

using namespace ndsharray;
using namespace ndsharray::mirror;
using namespace std::chrono_literals;

constexpr auto answer_time = 3s;
constexpr double longest_sleep = 1e6;

/// Lines of several threads. What cannot be printed ends the program: the first failure is thrown by
/// rethrow().
class Lines {
  public:
    explicit Lines(const EndSignals& signals) : signals_(signals) {}

    void print(const std::string& line) {
        const std::lock_guard lock(mutex_);
        if (failure_)
            return;
        try {
            cli::print("{}\n", cli::printable(line));
        } catch (...) {
            failure_ = std::current_exception();
            signals_.end();
        }
    }

    void rethrow() const {
        const std::lock_guard lock(mutex_);
        if (failure_)
            std::rethrow_exception(failure_);
    }

  private:
    const EndSignals& signals_;
    mutable std::mutex mutex_;
    std::exception_ptr failure_{};
};

void print_listing(const Listing& listing) {
    std::size_t tag_width = 3, array_width = 5;
    for (const Listed& tag : listing.tags) {
        tag_width = std::max(tag_width, tag.tag.size());
        array_width = std::max(array_width, tag.array.size());
    }
    cli::print("{:<{}}  {:<{}}  {:>8}  {:>10}  {}\n", "TAG", tag_width, "ARRAY", array_width, "FRAMES/S",
               "Mbit/s", "FROM");
    for (const Listed& tag : listing.tags) {
        const double rate = tag.millihertz / 1000.0;
        cli::print("{:<{}}  {:<{}}  {:>8.1f}  {:>10.1f}  {}\n", tag.tag, tag_width, tag.array, array_width,
                   rate, rate * static_cast<double>(tag.bytes) * 8 / 1e6, listing.host);
    }
}

int list(const MirrorCommand& command) {
    Engine engine;
    Link link(engine, command.address, command.keys);
    link.send(encode(List{}));
    const auto deadline = std::chrono::steady_clock::now() + answer_time;
    while (std::chrono::steady_clock::now() < deadline) {
        const auto received = link.receive(50ms);
        if (!received)
            continue;
        const Message message = decode(received->head.bytes());
        if (const auto* const listing = std::get_if<Listing>(&message)) {
            print_listing(*listing);
            return 0;
        }
        if (const auto* const refused = std::get_if<Refused>(&message))
            throw Error(ErrorCode::System, command.address.to_string() + ": " + refused->sentence);
    }
    const std::string why = link.trouble();
    throw Error(ErrorCode::System,
                "no answer from " + command.address.to_string() + (why.empty() ? "" : ": " + why));
}

/// A mirror waits for much, but not for a tag of this machine that is somebody else's.
void require_free(const std::string& tag) {
    try {
        const TagInfo info = inspect(tag);
        if (info.alive)
            throw Error(ErrorCode::TagInUse,
                        fmt::format("tag \"{}\" is in use: process {} writes it; choose another with --as",
                                    tag, info.writer_pid));
    } catch (const Error& error) {
        if (error.code() != ErrorCode::NoSuchTag)
            throw;
    }
}

int follow(const MirrorCommand& command) {
    for (const FollowerOptions& tag : command.tags)
        require_free(tag.here.tag);
    allow_more_descriptors();
    const EndSignals signals;
    Lines lines(signals);
    Engine engine;
    const ClockWatch clock(engine, command.address, command.keys);
    std::vector<std::unique_ptr<Follower>> followers;
    for (const FollowerOptions& tag : command.tags)
        followers.push_back(
            std::make_unique<Follower>(engine, command.address, command.keys, clock, tag,
                                       [&lines, name = tag.here.tag](const std::string& sentence) {
                                           lines.print(name + ": " + sentence);
                                       }));
    std::vector<FollowerState> before(followers.size());
    std::vector<LinkLooks> links(followers.size());
    while (!signals.wait(command.interval > 0 ? command.interval : longest_sleep)) {
        for (std::size_t i = 0; command.interval > 0 && i < followers.size(); ++i) {
            const FollowerState now = followers[i]->take_state();
            const std::string name = command.tags[i].here.tag + ": ";
            lines.print(name + report(before[i], now, command.interval));
            if (const std::string problem = links[i].look(command.tags[i], now, command.interval);
                !problem.empty())
                lines.print(name + problem);
            before[i] = now;
        }
    }
    followers.clear();
    lines.rethrow();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        int exit_code = 0;
        const auto command = parse_mirror(argc, argv, exit_code);
        if (!command)
            return exit_code;
        return command->tags.empty() ? list(*command) : follow(*command);
    } catch (const cli::OutputClosed&) {
        return 0;  // whoever read our output had enough
    } catch (const std::exception& error) {
        std::fprintf(stderr, "ndsh-mirror: %s\n", error.what());
        return 1;
    }
}
