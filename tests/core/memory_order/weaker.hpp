// SPDX-License-Identifier: BSD-3-Clause
// An order in the sources that is made weaker, for the runs of a scene.
#pragma once

#include "atomic.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace ndsharray::model {

/// An operation in the sources.
struct Operation {
    std::string file;  // last part of its path
    unsigned first_line = 0;
    unsigned last_line = 0;
    std::string name;  // load, store, fetch_or, ..., compare_exchange_weak, atomic_thread_fence
};

/// Gives an operation this order instead of its own.
struct Weakening {
    Operation where;
    std::memory_order order = std::memory_order_relaxed;
    bool of_failure = false;  // of a compare_exchange: the second order
};

/// For the runs that follow; nullptr: none. It must outlive them. For a fence, relaxed is none at all.
void weaken(const Weakening* weakening) noexcept;

/// How often the weakened operation was executed since then.
std::uint64_t weakened_executions() noexcept;

/// For the memory: the order with which an operation is executed.
/// \param order the one in the sources.
std::memory_order order_of(std::memory_order order, std::string_view name, const Where& where,
                           bool of_failure = false) noexcept;

}  // namespace ndsharray::model
