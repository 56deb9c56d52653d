// SPDX-License-Identifier: BSD-3-Clause
// The benchmark: runs every contender with every workload, in turns, and reports.
#include <support/child_process.hpp>

#include <fmt/format.h>
#include <gst/gst.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "contender.hpp"
#include "report.hpp"
#include "run.hpp"
#include "summary.hpp"
#include "targets.hpp"
#include "workload.hpp"

namespace ndsharray::bench {
namespace {

struct Options {
    Selection selection = Selection::Default;
    std::vector<std::string> contenders;  // all if there are none
    std::vector<std::string> workloads;
    unsigned rounds = 3;
    RunSettings settings;
    std::string json;
};

bool is_wanted(const std::vector<std::string>& names, const std::string& name) {
    return names.empty() || std::ranges::find(names, name) != names.end();
}

std::vector<std::string> contender_names() {
    std::vector<std::string> names;
    for (const Contender& contender : contenders())
        names.push_back(contender.name);
    return names;
}

std::vector<std::string> workload_names() {
    std::vector<std::string> names;
    for (const Workload& workload : workloads(Selection::Full))
        names.push_back(workload.name);
    return names;
}

/// Those that are named, else those of the selection.
std::vector<Workload> chosen_workloads(const Options& options) {
    std::vector<Workload> chosen = workloads(options.workloads.empty() ? options.selection : Selection::Full);
    std::erase_if(chosen,
                  [&](const Workload& workload) { return !is_wanted(options.workloads, workload.name); });
    return chosen;
}

/// One that cannot run here gets a row that says why; it would say the same in every round.
bool is_due(const Workload& workload, const std::string& problem, unsigned round) {
    return round == 0 || (problem.empty() && workload.least_seconds == 0);
}

RunResult attempt(const Contender& contender, const Workload& workload, const Options& options) {
    const std::string cause = problem(contender);
    if (cause.empty())
        return run(contender, workload, options.settings);
    RunResult result;
    result.workload = workload.name;
    result.contender = contender.name;
    result.problem = cause;
    return result;
}

/// The contenders take turns, and each round another one starts.
void run_round(const Workload& workload, const Options& options, unsigned round,
               std::vector<RunResult>& results) {
    const auto& all = contenders();
    for (std::size_t i = 0; i < all.size(); ++i) {
        const Contender& contender = all[(i + round) % all.size()];
        if (!is_wanted(options.contenders, contender.name) || !applies(contender, workload) ||
            !is_due(workload, problem(contender), round))
            continue;
        fmt::print(stderr, "round {} of {}: {}, {}\n", round + 1, options.rounds, workload.name,
                   contender.name);
        results.push_back(attempt(contender, workload, options));
        if (!results.back().problem.empty())
            fmt::print(stderr, "    {}\n", results.back().problem);
    }
}

/// \returns the program's exit code: whether the project itself delivered what it had to.
int verdict(const Report& report) {
    const bool has_failed = std::ranges::any_of(report.summaries, [](const Summary& summary) {
        return summary.contender == contenders().front().name &&
               (!summary.problem.empty() || summary.has_stalled || summary.torn > 0);
    });
    if (has_failed)
        fmt::print(stderr, "{} failed, stalled or delivered torn frames: see the table\n",
                   contenders().front().name);
    return has_failed ? 1 : 0;
}

int measure(const Options& options) {
    Report report;
    report.surroundings = surroundings();
    report.workloads = chosen_workloads(options);
    std::vector<RunResult> results;
    for (unsigned round = 0; round < options.rounds; ++round)
        for (const Workload& workload : report.workloads)
            run_round(workload, options, round, results);
    report.summaries = summarize(results);
    report.targets = targets(report.summaries);
    print(report);
    if (!options.json.empty())
        write_json(report, options.json);
    return verdict(report);
}

int run_command_line(int argc, char** argv) {
    Options options;
    CLI::App app("Measures ndshsink and ndshsrc, their peers and the floors beneath them.");
    const auto selection = app.add_option_group("selection");
    selection->add_flag_callback(
        "--quick", [&] { options.selection = Selection::Quick; }, "three workloads only");
    selection->add_flag_callback(
        "--full", [&] { options.selection = Selection::Full; }, "all workloads");
    selection->add_option("--workloads", options.workloads, "these workloads only")
        ->delimiter(',')
        ->check(CLI::IsMember(workload_names()));
    selection->require_option(0, 1);
    app.add_option("--contenders", options.contenders, "these contenders only")
        ->delimiter(',')
        ->check(CLI::IsMember(contender_names()));
    app.add_option("--rounds", options.rounds, "turns each contender gets")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--seconds", options.settings.seconds, "measured in each turn")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--frames-in-flight", options.settings.frames_in_flight,
                   "bound of the producer's pool where the sink offers none; 0: no bound")
        ->capture_default_str();
    app.add_option("--json", options.json, "file to write the results to");
    CLI11_PARSE(app, argc, argv);
    gst_init(nullptr, nullptr);
    return measure(options);
}

}  // namespace
}  // namespace ndsharray::bench

int main(int argc, char** argv) {
    try {
        if (const auto exit_code = ndsharray::test::run_role(argc, argv))
            return *exit_code;
        return ndsharray::bench::run_command_line(argc, argv);
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}
