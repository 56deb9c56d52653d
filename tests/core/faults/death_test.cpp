// SPDX-License-Identifier: BSD-3-Clause
// Death is survivable at every instruction: writers and readers are killed at each step of all they do.
#include "faults.hpp"
#include "lives.hpp"

#include <gtest/gtest.h>

#include <future>
#include <iostream>
#include <map>

namespace ndsharray::test {
namespace {

using fault::Point;
using LifeOf = std::function<Outcome(Stage&)>;

/// Where a writer died before its successor came: in each state in which the files of a tag can be.
const std::map<std::string, LifeOf> successors{
    {"control-only", [](Stage& s) { return kill_successor(s, Point::ControlLinked, 1, "plain"); }},
    {"not-live-yet", [](Stage& s) { return kill_successor(s, Point::TableInPlace, 1, "compat"); }},
    {"mid-frame", [](Stage& s) { return kill_successor(s, Point::FrameStateStored, 7, "backpressure"); }},
    {"mid-change", [](Stage& s) { return kill_successor(s, Point::SegmentIdHalfStored, 2, "compat"); }},
    {"after-end", [](Stage& s) { return kill_successor(s, Point::WriterStateStored, 2, "plain"); }},
    {"mid-close", [](Stage& s) { return kill_successor(s, Point::WriterStateStored, 4, "plain"); }},
    {"table-gone", [](Stage& s) { return kill_successor(s, Point::TableRemoved, 1, "plain"); }},
};

const std::map<std::string, LifeOf> writers{
    {"writer-plain", [](Stage& s) { return kill_writer(s, "plain", "plain"); }},
    {"writer-patient", [](Stage& s) { return kill_writer(s, "backpressure", "backpressure"); }},
    {"writer-compat", [](Stage& s) { return kill_writer(s, "compat", "compat"); }},
    {"writer-once-compat", [](Stage& s) { return kill_writer(s, "compat", "plain"); }},
    {"writer-refused", kill_refused_writer},
};

const std::map<std::string, LifeOf> readers{
    {"reader-latest", [](Stage& s) { return kill_reader(s, "latest"); }},
    {"reader-every", [](Stage& s) { return kill_reader(s, "every"); }},
    {"reader-awaited", [](Stage& s) { return kill_reader(s, "backpressure"); }},
    {"reader-copy", [](Stage& s) { return kill_reader(s, "copy"); }},
    {"reader-no-entry", [](Stage& s) { return kill_reader(s, "no entry"); }},
    {"reader-refused", kill_refused_reader},
};

/// All lives, lived once before the first test; a few at a time.
class Death : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        const TemporaryDirectory folder;
        std::map<std::string, std::future<Outcome>> running;
        const auto live_all = [&](const std::map<std::string, LifeOf>& lives) {
            for (const auto& [tag, life] : lives)
                running.emplace(tag, std::async(std::launch::async, [&, tag = tag, life = life] {
                                    Stage stage(tag, folder.path());
                                    return life(stage);
                                }));
            for (const auto& [tag, life] : lives)
                outcomes_.emplace(tag, running.at(tag).get());
        };
        live_all(writers);
        live_all(successors);
        live_all(readers);
        left_behind_ = folder.entries();
    }

    static void expect_survived(const std::map<std::string, LifeOf>& lives) {
        for (const auto& [tag, life] : lives) {
            const Outcome& outcome = outcomes_.at(tag);
            std::cout << outcome.life << ": " << outcome.deaths << " deaths survived\n";
            EXPECT_GT(outcome.deaths, 0U);
            for (const auto& failure : outcome.failures)
                ADD_FAILURE() << failure;
        }
    }

    static std::map<std::string, Outcome> outcomes_;
    static std::vector<std::string> left_behind_;
};
std::map<std::string, Outcome> Death::outcomes_;
std::vector<std::string> Death::left_behind_;

TEST_F(Death, OfAWriter_AtAnyStepIsSurvived) {
    expect_survived(writers);
}

TEST_F(Death, OfAWritersSuccessor_AtAnyStepIsSurvived) {
    expect_survived(successors);
}

TEST_F(Death, OfAReader_AtAnyStepIsSurvived) {
    expect_survived(readers);
}

TEST_F(Death, LeavesNoFileBehind_AfterTheNextCleanExit) {
    EXPECT_EQ(left_behind_, std::vector<std::string>{});
}

TEST_F(Death, HappenedAtEveryPointThereIs) {
    std::set<std::string> reached;
    for (const auto& [tag, outcome] : outcomes_)
        reached.insert(outcome.points.begin(), outcome.points.end());
    for (const auto& point : fault_points())
        EXPECT_TRUE(reached.contains(point)) << "nobody ever died at " << point;
}

}  // namespace
}  // namespace ndsharray::test
