// SPDX-License-Identifier: BSD-3-Clause
// Lives in which one call fails, each in a process of its own.
#pragma once

#include "failing_calls.hpp"

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace ndsharray::test {

/// What a life does, step by step. Calls count in its steps only.
class Steps {
  public:
    /// One that may fail, if a call did: by the public exception, or by returning false. It must work when it
    /// is tried again. \param after what must hold after a failure; throws what is wrong.
    /// \throws std::runtime_error saying what was not as it must be.
    void run(const std::string& what, const std::function<bool()>& step,
             const std::function<void()>& after = {});

    /// \throws std::runtime_error naming what is wrong.
    static void require(bool condition, const std::string& what) {
        if (!condition)
            throw std::runtime_error(what);
    }
};

struct FailingLife {
    std::string name;
    std::function<void(Steps&)> live;
    bool only_ours = false;     ///< see plan_failure()
    unsigned bounded_step = 1;  ///< of the allocations, in the bounded form each so manieth fails
};

/// How much is tried.
enum class Extent {
    Bounded,  ///< of each kind of call each one (of allocations some), with the error seen most often
    Full,     ///< with all errors, and with all later calls failing too
};

/// What came of one kind of call.
struct FailureCount {
    std::string call;
    unsigned calls = 0;   ///< the n-th of one life that failed last
    unsigned errors = 0;  ///< that each was made to fail with
    unsigned lives = 0;   ///< in which one failed
};

struct FailingOutcome {
    std::vector<FailureCount> counts;
    std::vector<std::string> problems;
};

/// Lives a life again and again, in processes of its own: the n-th call of each kind fails, n = 1, 2, 3, ...
/// until none does. The same life, without a failure, must work after it in the same process, and the process
/// then hold as much as if nothing had failed. Not while this process has other threads.
FailingOutcome fail_each_call(const FailingLife& life, Extent extent);

}  // namespace ndsharray::test
