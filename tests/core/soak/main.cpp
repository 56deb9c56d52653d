// SPDX-License-Identifier: BSD-3-Clause
// A writer and eight readers, killed and started again at random for a stated number of frames: nothing is
// torn, lost or left behind.
#include "cast.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iostream>
#include <random>
#include <stdexcept>
#include <thread>

namespace ndsharray::test::soak {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
    std::uint64_t frames = 0;  // 0: as many as come
    unsigned seconds = 0;      // 0: as long as it takes
    unsigned deadline = 3600;  // seconds
    std::uint64_t seed = std::random_device{}();
};

/// Disturbances between two inspections.
constexpr int disturbances = 25;

/// What part of the run the last writer lives through.
constexpr double last_part = 0.25;

class Run {
  public:
    explicit Run(const Options& options) : options_(options), random_(options.seed) {}

    void run() {
        while (part_done() < 1 - last_part)
            disturb_for_a_while();
        cast_.spare_writer(true);
        cast_.inspect(folder_);
        const auto before = cast_.resources();
        do
            disturb_for_a_while();
        while (part_done() < 1);
        const auto after = cast_.resources();
        for (const auto& text : after)
            std::cout << "at the end, " << text << '\n';
        if (before != after)
            throw std::runtime_error("descriptors or mappings became more or fewer: before, " + before.at(0) +
                                     ", " + before.at(1) + ", " + before.at(2) + ", " + before.at(3));
        cast_.close();
        if (!folder_.entries().empty())
            throw std::runtime_error(folder_.entries().front() + " was left behind");
    }

    void print() const {
        const Counts& counts = cast_.counts();
        std::cout << seconds() << " s, " << counts.published << " frames published, " << counts.read
                  << " read, all of them whole; " << counts.writers_killed << " writers killed, "
                  << counts.writers_closed << " closed, " << counts.readers_killed << " readers killed, "
                  << counts.readers_closed << " closed, " << counts.inspections << " inspections\n";
    }

  private:
    double seconds() const { return std::chrono::duration<double>(Clock::now() - started_).count(); }

    /// How much of the run is behind us; 1: all.
    double part_done() const {
        if (seconds() > options_.deadline)
            throw std::runtime_error("not done in time: " + std::to_string(cast_.counts().published) +
                                     " frames");
        double done = 1;
        if (options_.frames != 0)
            done = std::min(
                done, static_cast<double>(cast_.counts().published) / static_cast<double>(options_.frames));
        if (options_.seconds != 0)
            done = std::min(done, seconds() / options_.seconds);
        return done;
    }

    void disturb_for_a_while() {
        for (int i = 0; i < disturbances; ++i) {
            // What happens when is the point here, not how long it takes.
            std::this_thread::sleep_for(
                std::chrono::microseconds(std::uniform_int_distribution(0, 20'000)(random_)));
            cast_.listen();
            cast_.disturb();
        }
        cast_.inspect(folder_);
    }

    const Options options_;
    const TemporaryDirectory folder_;
    const Clock::time_point started_ = Clock::now();
    std::mt19937_64 random_;
    Cast cast_{"soak", options_.seed};
};

int soak(const Options& options) {
    std::cout << "--seed " << options.seed << std::endl;
    Run run(options);
    try {
        run.run();
    } catch (const std::exception& error) {
        std::cout << "FAILED: " << error.what() << '\n';
        run.print();
        return 1;
    }
    run.print();
    return 0;
}

}  // namespace
}  // namespace ndsharray::test::soak

int main(int argc, char** argv) {
    using namespace ndsharray::test;
    if (const auto exit_code = run_role(argc, argv))
        return *exit_code;
    soak::Options options;
    CLI::App app(
        "Kills a writer and eight readers of one tag at random, and looks whether anything is torn, lost or "
        "left behind.");
    app.add_option("--frames", options.frames, "how many frames to publish at least");
    app.add_option("--seconds", options.seconds, "how long to go on at least");
    app.add_option("--deadline", options.deadline, "seconds after which it fails; 3600 if not given");
    app.add_option("--seed", options.seed, "of all random numbers; which process runs when is not up to it");
    CLI11_PARSE(app, argc, argv);
    return soak::soak(options);
}
