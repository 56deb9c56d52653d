// SPDX-License-Identifier: BSD-3-Clause
// What becomes of each order in the sources when it is made weaker.
#pragma once

#include <vector>

namespace ndsharray::model {

struct Verdict {
    const char* order;        // as WeakerOrder::name
    const char* scene;        // in which a promise is broken; nullptr: in none
    const char* reason;       // for none: why the order is stronger than needed
    unsigned deviations = 2;  // how far from the usual run that is
};

const std::vector<Verdict>& all_verdicts();

}  // namespace ndsharray::model
