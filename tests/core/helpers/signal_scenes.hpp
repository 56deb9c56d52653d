// SPDX-License-Identifier: BSD-3-Clause
// Scenes about a signal: it comes to a handler, or ends the process.
#pragma once

#include "core_test.hpp"
#include "scenes.hpp"

#include <atomic>
#include <string>

namespace ndsharray::test {

/// What handlers were told of a signal, in the process of a scene.
inline std::atomic<int> handled{0};
inline std::atomic<void*> handled_at{nullptr};

inline void count_signal(int) {
    ++handled;
}

/// The outcome of a scene that says nothing before a signal ends it.
inline std::string ended_by(int signal) {
    return "nothing, signal " + std::to_string(signal);
}

/// Tests of scenes that may end by a signal.
class SignalSceneTest : public CoreTest {
  protected:
    void TearDown() override { directory_.clear(); }

    /// What a scene says, and then how its process ended.
    std::string outcome_of(const std::string& scene) {
        const Outcome outcome = test::outcome_of(scene, tag_);
        return outcome.exit_code == 0 ? outcome.said
                                      : outcome.said + ", signal " + std::to_string(-outcome.exit_code);
    }
};

}  // namespace ndsharray::test
