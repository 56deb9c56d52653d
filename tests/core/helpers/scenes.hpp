// SPDX-License-Identifier: BSD-3-Clause
// Tests of the core that are scenes.
#pragma once

#include "core_test.hpp"

#include <support/scenes.hpp>

#include <string>

namespace ndsharray::test {

/// Tests of scenes that end well.
class SceneTest : public CoreTest {
  protected:
    std::string outcome_of(const std::string& scene) const {
        const Outcome outcome = test::outcome_of(scene, tag_);
        EXPECT_EQ(outcome.exit_code, 0);
        return outcome.said;
    }
};

}  // namespace ndsharray::test
