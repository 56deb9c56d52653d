// SPDX-License-Identifier: BSD-3-Clause
// What a person or a program reads: tables in Markdown, and JSON.
#include "report.hpp"

#include <fmt/format.h>
#include <gst/gst.h>
#include <sys/utsname.h>

#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace ndsharray::bench {
namespace {

/// The text behind `key` in the first such line of a file of "key<separator>text" lines.
std::string field(const char* file, std::string_view key, char separator) {
    std::ifstream lines(file);
    std::string line;
    while (std::getline(lines, line)) {
        const auto place = line.find(separator);
        if (!line.starts_with(key) || place == std::string::npos)
            continue;
        const auto start = line.find_first_not_of(" \t\"", place + 1);
        const auto end = line.find_last_not_of(" \t\"");
        return start == std::string::npos ? "" : line.substr(start, end + 1 - start);
    }
    return {};
}

std::string load() {
    std::string text;
    std::getline(std::ifstream("/proc/loadavg"), text);
    return text;
}

std::string gstreamer_version() {
    g_autofree char* version = gst_version_string();
    return version;
}

std::string kernel() {
    utsname name{};
    ::uname(&name);
    return fmt::format("{} {} {}", name.sysname, name.release, name.machine);
}

void print_table_head() {
    fmt::print(
        "| contender | frames/s | lost | latency p50 | p99 | max | CPU producer | consumer | faults producer "
        "| "
        "consumer | peak producer | consumer | shared | growth |\n"
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
}

/// Memory in MiB, where there was a process to look at.
std::string memory(double mebibytes) {
    return mebibytes > 0 ? fmt::format("{:.0f}", mebibytes) : "";
}

std::string frames_per_second(const Summary& summary) {
    std::string text = fmt::format("{:.0f}", summary.arrived_per_second);
    if (summary.slow_arrived_per_second > 0)
        text += fmt::format(" (slow one {:.0f})", summary.slow_arrived_per_second);
    return text;
}

void print_row(const Summary& summary) {
    if (summary.rounds == 0) {
        fmt::print("| {} | {} | | | | | | | | | | | | |\n", summary.contender, summary.problem);
        return;
    }
    if (summary.has_stalled) {
        fmt::print("| {} | stalled at {:.0f} | | | | | | | | | {:.0f} | {:.0f} | {:.1f} | {:.1f} |\n",
                   summary.contender, summary.pushed_per_second, summary.producer_peak, summary.consumer_peak,
                   summary.shared_memory, summary.memory_growth());
        return;
    }
    fmt::print(
        "| {}{} | {} | {:.1f} % | {:.1f} | {:.1f} | {:.0f} | {:.1f} | {:.1f} | {:.3f} | {:.3f} | "
        "{} | {} | {:.1f} | {:.1f} |\n",
        summary.contender, summary.torn > 0 ? fmt::format(" ({} TORN)", summary.torn) : "",
        frames_per_second(summary), summary.lost_percent, summary.latency_p50, summary.latency_p99,
        summary.latency_max, summary.producer_cpu, summary.consumer_cpu, summary.producer_faults,
        summary.consumer_faults, memory(summary.producer_peak), memory(summary.consumer_peak),
        summary.shared_memory, summary.memory_growth());
}

void print_workload(const Workload& workload, const std::vector<Summary>& summaries) {
    fmt::print("\n### {}\n{}\n\n", workload.name, describe(workload));
    print_table_head();
    for (const Summary& summary : summaries)
        if (summary.workload == workload.name)
            print_row(summary);
    for (const Summary& summary : summaries) {
        if (summary.workload != workload.name)
            continue;
        if (summary.caps_changes > 0)
            fmt::print(
                "\n{}: caps event to first frame with them: median {:.2f} ms, at most {:.2f} ms, {} "
                "changes\n",
                summary.contender, summary.caps_to_new_frame_p50 / 1000, summary.caps_to_new_frame_max / 1000,
                summary.caps_changes);
        if (summary.rounds > 0 && !summary.problem.empty())
            fmt::print("\n{}: some rounds failed: {}\n", summary.contender, summary.problem);
    }
}

void print_targets(const std::vector<Target>& targets) {
    fmt::print(
        "\n## Targets\n1080p RGB, one reader, ratios within this run\n\n"
        "| measure | target | measured | |\n|---|---|---|---|\n");
    for (const Target& target : targets)
        fmt::print("| {} | {} | {} | {} |\n", target.measure, target.wanted, target.measured, target.verdict);
}

nlohmann::json to_json(const Workload& workload) {
    return {{"name", workload.name},          {"description", describe(workload)},
            {"format", workload.format.name}, {"frame_bytes", workload.format.bytes},
            {"rate", workload.rate},          {"readers", workload.readers},
            {"lossless", workload.lossless}};
}

}  // namespace

Surroundings surroundings() {
    return {
        {"system", field("/etc/os-release", "PRETTY_NAME", '=')},
        {"kernel", kernel()},
        {"processor", fmt::format("{} x {}", std::thread::hardware_concurrency(),
                                  field("/proc/cpuinfo", "model name", ':'))},
        {"gstreamer", gstreamer_version()},
        {"compiler", BENCH_COMPILER},
        {"build type", BENCH_BUILD_TYPE},
        {"load before", load()},
    };
}

void print(const Report& report) {
    fmt::print("# Benchmark\n\n");
    for (const auto& [name, words] : report.surroundings)
        fmt::print("- {}: {}\n", name, words);
    fmt::print("\nTimes in microseconds, CPU and faults per frame, memory in MiB.\n");
    for (const Workload& workload : report.workloads)
        print_workload(workload, report.summaries);
    print_targets(report.targets);
    std::fflush(stdout);
}

void write_json(const Report& report, const std::filesystem::path& file) {
    nlohmann::json json{
        {"surroundings", report.surroundings}, {"results", report.summaries}, {"targets", report.targets}};
    for (const Workload& workload : report.workloads)
        json["workloads"].push_back(to_json(workload));
    std::ofstream out(file);
    out << json.dump(1) << '\n';
    if (!out.flush())
        throw std::runtime_error(fmt::format("{} cannot be written", file.string()));
}

}  // namespace ndsharray::bench
