// SPDX-License-Identifier: BSD-3-Clause
// The processes of a soak run: a writer and its readers, which can be killed, closed and started again.
#include "cast.hpp"

#include <support/wait.hpp>

#include <poll.h>

#include <array>
#include <stdexcept>
#include <utility>

namespace ndsharray::test::soak {
namespace {

/// The first of them live through the whole run.
constexpr std::array kinds{"latest", "every", "copy", "latest", "every", "latest", "copy", "no-entry"};
constexpr unsigned survivors = 3;

const auto answer_time = 6 * patience;

}  // namespace

// ---- one process

void Player::start(std::uint64_t seed) {
    Arguments arguments{arguments_.at(0), std::to_string(seed)};
    arguments.insert(arguments.end(), arguments_.begin() + 1, arguments_.end());
    process_.emplace(role_, arguments);
}

void Player::close(Counts& counts) {
    tell("close");
    while (const auto report = process_->channel().receive(answer_time))
        count(*report, counts);
    if (const int exit_code = process_->wait_for_exit(); exit_code != 0)
        throw std::runtime_error(role_ + " ended with " + std::to_string(exit_code));
    process_.reset();
}

void Player::tell(const std::string& command) {
    process_->channel().send(command);
}

std::string Player::ask(const std::string& command, Counts& counts) {
    tell(command);
    return await_answer(counts);
}

void Player::listen(Counts& counts) {
    pollfd waiting{process_->channel().descriptor(), POLLIN, 0};
    while (::poll(&waiting, 1, 0) > 0) {
        const auto report = process_->channel().receive();
        if (!report)
            throw std::runtime_error(role_ + " ended by itself");
        count(*report, counts);
    }
}

void Player::count(const std::string& report, Counts& counts) const {
    if (report.starts_with("frames "))
        counts.published += std::stoull(report.substr(7));
    else if (report.starts_with("read "))
        counts.read += std::stoull(report.substr(5));
    else
        throw std::runtime_error(role_ + " (" + arguments_.back() + "): " + report);
}

std::string Player::await_answer(Counts& counts) {
    for (;;) {
        const auto report = process_->channel().receive(answer_time);
        if (!report)
            throw std::runtime_error(role_ + " ended by itself");
        if (report->starts_with("ok"))
            return report->substr(2);
        count(*report, counts);
    }
}

// ---- all of them

Cast::Cast(std::string tag, std::uint64_t seed) : random_(seed), writer_("soak_writer", {tag}) {
    writer_.start(random_());
    for (const char* kind : kinds) {
        readers_.emplace_back("soak_reader", Arguments{tag, kind});
        readers_.back().start(random_());
    }
}

void Cast::disturb() {
    if (!writer_spared_ && up_to(3) == 1)
        disturb_writer();
    else
        disturb_reader();
}

void Cast::disturb_writer() {
    if (up_to(4) == 1) {
        writer_.close(counts_);
        ++counts_.writers_closed;
    } else {
        writer_.kill();
        ++counts_.writers_killed;
    }
    writer_.start(random_());
}

void Cast::disturb_reader() {
    Player& reader = readers_.at(survivors - 1 + up_to(kinds.size() - survivors));
    if (up_to(4) == 1) {
        reader.close(counts_);
        ++counts_.readers_closed;
    } else {
        reader.kill();
        ++counts_.readers_killed;
    }
    reader.start(random_());
}

void Cast::pause() {
    writer_.ask("pause", counts_);
    for (Player& reader : readers_)
        reader.ask("pause", counts_);
}

void Cast::resume() {
    for (Player& reader : readers_)
        reader.tell("resume");
    writer_.tell("resume");
}

void Cast::inspect(const TemporaryDirectory& folder) {
    pause();
    // Control file, table, segment, and a segment that waits for its first frame.
    if (const auto files = folder.entries(); files.size() < 3 || files.size() > 4)
        throw std::runtime_error(std::to_string(files.size()) + " files instead of 3 or 4");
    if (writer_.ask("slots", counts_) != " all")
        throw std::runtime_error("the writer cannot have all its slots");
    ++counts_.inspections;
    resume();
}

std::vector<std::string> Cast::resources() {
    pause();
    std::vector<std::string> found{"writer:" + writer_.ask("measure", counts_)};
    for (unsigned i = 0; i < survivors; ++i)
        found.push_back(std::string("reader (") + kinds.at(i) +
                        "):" + readers_.at(i).ask("measure", counts_));
    resume();
    return found;
}

void Cast::listen() {
    writer_.listen(counts_);
    for (Player& reader : readers_)
        reader.listen(counts_);
}

void Cast::close() {
    for (Player& reader : readers_)
        reader.close(counts_);
    writer_.close(counts_);
}

}  // namespace ndsharray::test::soak
