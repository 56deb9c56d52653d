// SPDX-License-Identifier: BSD-3-Clause
// The lives of writers and readers, in which they are killed at every step.
#pragma once

#include "stage.hpp"

#include <ndsharray/reader.hpp>

#include <string>

namespace ndsharray::test {

/// A writer that does all there is to do. \param kind "plain", "backpressure" or "compat"; also of the one
/// that comes after it.
Outcome kill_writer(Stage& stage, const std::string& kind, const std::string& successor);

/// One that claims slots which a reader takes just then.
Outcome kill_refused_writer(Stage& stage);

/// One that comes after a writer of this kind which died at a point (the n-th time), and a dead reader.
Outcome kill_successor(Stage& stage, fault::Point death, unsigned n, const std::string& kind);

/// A reader that does all there is to do. \param kind "latest", "every", "backpressure" (every frame from a
/// writer that waits for it), "copy" (it may hold no lease) or "no entry" (the table is full).
Outcome kill_reader(Stage& stage, const std::string& kind);

/// One that leases slots which the writer takes just then.
Outcome kill_refused_reader(Stage& stage);

}  // namespace ndsharray::test
