// SPDX-License-Identifier: BSD-3-Clause
// What a person or a program reads: tables in Markdown, and JSON.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "summary.hpp"
#include "targets.hpp"
#include "workload.hpp"

namespace ndsharray::bench {

/// What the numbers depend on besides the code: words by name.
using Surroundings = std::map<std::string, std::string>;

Surroundings surroundings();

struct Report {
    Surroundings surroundings;
    std::vector<Workload> workloads;
    std::vector<Summary> summaries;
    std::vector<Target> targets;
};

void print(const Report& report);

/// \throws std::runtime_error if the file cannot be written.
void write_json(const Report& report, const std::filesystem::path& file);

}  // namespace ndsharray::bench
