// SPDX-License-Identifier: BSD-3-Clause
// The processes of a soak run: a writer and its readers, which can be killed, closed and started again.
#pragma once

#include <support/child_process.hpp>
#include <support/temporary_directory.hpp>

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace ndsharray::test::soak {

/// What happened so far.
struct Counts {
    std::uint64_t published = 0;
    std::uint64_t read = 0;
    unsigned writers_killed = 0;
    unsigned writers_closed = 0;
    unsigned readers_killed = 0;
    unsigned readers_closed = 0;
    unsigned inspections = 0;
};

/// One process, started again in the same role whenever it is gone.
class Player {
  public:
    Player(std::string role, Arguments arguments)
        : role_(std::move(role)), arguments_(std::move(arguments)) {}

    /// \param seed of its own random numbers.
    void start(std::uint64_t seed);
    void kill() { process_.reset(); }

    /// Lets it leave cleanly. \throws std::runtime_error if it does not.
    void close(Counts& counts);

    void tell(const std::string& command);

    /// \returns what it answers behind "ok". \throws std::runtime_error with what it found wrong.
    std::string ask(const std::string& command, Counts& counts);

    /// Counts what it reported, without waiting. \throws std::runtime_error with what it found wrong.
    void listen(Counts& counts);

  private:
    void count(const std::string& report, Counts& counts) const;
    std::string await_answer(Counts& counts);

    std::string role_;
    Arguments arguments_;
    std::optional<ChildProcess> process_;
};

/// A writer and eight readers of a tag.
class Cast {
  public:
    Cast(std::string tag, std::uint64_t seed);

    /// Lets one of them die or leave, at random, and come back.
    void disturb();

    /// Stops everybody for a moment and looks whether something was lost or left.
    /// \throws std::runtime_error if so.
    void inspect(const TemporaryDirectory& folder);

    /// Whether the writer may die.
    void spare_writer(bool spared) noexcept { writer_spared_ = spared; }

    /// What the processes have that live through it all, the writer first: one text each.
    std::vector<std::string> resources();

    void listen();
    void close();
    const Counts& counts() const noexcept { return counts_; }

  private:
    unsigned up_to(unsigned most) { return std::uniform_int_distribution<unsigned>(1, most)(random_); }
    void disturb_writer();
    void disturb_reader();
    void pause();
    void resume();

    std::mt19937_64 random_;
    Player writer_;
    std::vector<Player> readers_;
    bool writer_spared_ = false;
    Counts counts_;
};

}  // namespace ndsharray::test::soak
