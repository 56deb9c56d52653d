// SPDX-License-Identifier: BSD-3-Clause
// What the project wants to reach, and whether it did.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "summary.hpp"

namespace ndsharray::bench {

struct Target {
    std::string measure;
    std::string wanted;
    std::string measured;
    std::string verdict;  ///< "met", "missed" or "not measured"
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Target, measure, wanted, measured, verdict)

/// Ratios within this run: 1080p RGB, one reader, unless the measure says otherwise.
std::vector<Target> targets(const std::vector<Summary>& summaries);

}  // namespace ndsharray::bench
