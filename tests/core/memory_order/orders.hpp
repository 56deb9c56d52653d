// SPDX-License-Identifier: BSD-3-Clause
// The atomic operations in the sources, as they are found by reading them, and what becomes of each when its
// order is made weaker.
#pragma once

#include "weaker.hpp"

#include <string>
#include <vector>

namespace ndsharray::model {

struct OrderedOperation {
    Operation where;
    std::string function;
    std::string text;  // "entry.lease.load"; the second such one of a function: "entry.lease.load (2)"
    std::vector<std::memory_order> orders;  // the second of a compare_exchange is that of failure

    /// "slots.cpp, held: entry.lease.load"
    std::string name() const { return where.file + ", " + function + ": " + text; }
};

/// The operations in a file.
/// \throws std::runtime_error: there is an order that belongs to none.
std::vector<OrderedOperation> operations_in(const std::string& path);

/// Those in core/src/protocol and in the writer's wait for readers.
std::vector<OrderedOperation> all_operations(const std::string& source_root);

/// What is one step weaker.
struct WeakerOrder {
    std::size_t operation;  // of all_operations()
    Weakening weakening;
    std::string name;  // "slots.cpp, held: entry.lease.load acquire -> relaxed"
};
std::vector<WeakerOrder> all_weaker(const std::vector<OrderedOperation>& operations);

}  // namespace ndsharray::model
