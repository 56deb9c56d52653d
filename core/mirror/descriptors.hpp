// SPDX-License-Identifier: BSD-3-Clause
// How many files and connections this process may have.
#pragma once

#include <cstddef>

namespace ndsharray::mirror {

/// Lets it have as many as the system allows. A tag that is carried takes a dozen of them.
void allow_more_descriptors();

/// How many it may have.
std::size_t most_descriptors();

}  // namespace ndsharray::mirror
