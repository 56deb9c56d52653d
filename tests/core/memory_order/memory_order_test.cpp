// SPDX-License-Identifier: BSD-3-Clause
// The protocol between processes on a processor that orders memory as little as C++ allows: each scene keeps
// its promises, and breaks one as soon as one order in the sources is made weaker. README.md says how.
#include "explorer.hpp"
#include "orders.hpp"
#include "scenes.hpp"
#include "verdicts.hpp"

#include <cstdlib>
#include <ostream>

#include <gtest/gtest.h>

namespace ndsharray::model {

void PrintTo(const NamedScene& scene, std::ostream* out) {
    *out << scene.name;
}
void PrintTo(const Verdict& verdict, std::ostream* out) {
    *out << verdict.order;
}

}  // namespace ndsharray::model

namespace {

using namespace ndsharray::model;

bool is_full() {
    const char* extent = std::getenv("MEMORY_ORDER_EXTENT");
    return extent != nullptr && std::string_view(extent) == "full";
}

const std::vector<WeakerOrder>& weaker_orders() {
    static const std::vector<WeakerOrder> all = all_weaker(all_operations(std::getenv("SOURCE_ROOT")));
    return all;
}

/// The name of a test may have letters, digits and underscores.
std::string as_name(std::string_view text) {
    std::string name;
    for (const char letter : text)
        if (std::isalnum(static_cast<unsigned char>(letter)) != 0)
            name += letter;
        else if (!name.empty() && name.back() != '_')
            name += '_';
    return name;
}

const NamedScene& scene_named(std::string_view name) {
    for (const NamedScene& scene : all_scenes())
        if (scene.name == name)
            return scene;
    throw std::runtime_error("there is no scene " + std::string(name));
}

const WeakerOrder* order_named(std::string_view name) {
    for (const WeakerOrder& order : weaker_orders())
        if (order.name == name)
            return &order;
    return nullptr;
}

struct WeakenedOutcome : Outcome {
    std::uint64_t executions = 0;  // of the weakened operation
};

WeakenedOutcome explore_weakened(const NamedScene& scene, const WeakerOrder& order, const Extent& extent) {
    weaken(&order.weakening);
    WeakenedOutcome outcome{explore(scene.make, extent)};
    outcome.executions = weakened_executions();
    weaken(nullptr);
    return outcome;
}

// ---- the sources as they are

class Scenes : public testing::TestWithParam<NamedScene> {};

TEST_P(Scenes, KeepTheirPromises) {
    const NamedScene& scene = GetParam();
    const unsigned deviations = (is_full() ? 3U : 2U) - scene.fewer_deviations;
    const Outcome outcome = explore(scene.make, {.deviations = deviations, .runs = 3'000'000});
    EXPECT_EQ(outcome.broken, "") << outcome.how;
    EXPECT_TRUE(outcome.complete);
    std::printf("%llu runs\n", static_cast<unsigned long long>(outcome.runs));
}

INSTANTIATE_TEST_SUITE_P(, Scenes, testing::ValuesIn(all_scenes()),
                         [](const auto& info) { return std::string(info.param.name); });

// ---- one order weaker

TEST(Orders, AreAllListed) {
    std::map<std::string, int> listed;
    for (const Verdict& verdict : all_verdicts())
        ++listed[verdict.order];
    for (const WeakerOrder& order : weaker_orders())
        EXPECT_EQ(listed[order.name]--, 1)
            << order.name << ": verdicts.cpp has to say which scene needs this order, or why none does";
    for (const auto& [order, times] : listed)
        EXPECT_LE(times, 0) << order << ": is in verdicts.cpp, but not in the sources";
}

class Weakened : public testing::TestWithParam<Verdict> {};

TEST_P(Weakened, BreaksAPromise) {
    const Verdict& verdict = GetParam();
    const WeakerOrder* order = order_named(verdict.order);
    ASSERT_NE(order, nullptr) << verdict.order;
    const Outcome outcome =
        explore_weakened(scene_named(verdict.scene), *order, {.deviations = verdict.deviations});
    EXPECT_NE(outcome.broken, "") << verdict.order << ": " << verdict.scene << " does not notice in "
                                  << outcome.runs << " runs";
    std::printf("%s: %s, after %llu runs\n", verdict.order, outcome.broken.c_str(),
                static_cast<unsigned long long>(outcome.runs));
}

/// That an order is stronger than needed is an argument; no scene must contradict it, and some scene must be
/// able to.
class StrongerThanNeeded : public testing::TestWithParam<Verdict> {};

TEST_P(StrongerThanNeeded, BreaksNone) {
    const Verdict& verdict = GetParam();
    const WeakerOrder* order = order_named(verdict.order);
    ASSERT_NE(order, nullptr) << verdict.order;
    std::uint64_t executions = 0;
    for (const NamedScene& scene : all_scenes()) {
        const unsigned deviations = is_full() ? 2U - scene.fewer_deviations : 1U;
        const WeakenedOutcome outcome = explore_weakened(scene, *order, {.deviations = deviations});
        EXPECT_EQ(outcome.broken, "") << scene.name << " needs it:\n" << outcome.how;
        executions += outcome.executions;
    }
    EXPECT_GT(executions, 0U) << verdict.order << ": no scene comes there, so none could contradict";
}

std::vector<Verdict> verdicts_that(bool break_a_promise) {
    std::vector<Verdict> found;
    for (const Verdict& verdict : all_verdicts())
        if ((verdict.scene != nullptr) == break_a_promise)
            found.push_back(verdict);
    return found;
}

const auto name_of_order = [](const auto& info) { return as_name(info.param.order); };

INSTANTIATE_TEST_SUITE_P(, Weakened, testing::ValuesIn(verdicts_that(true)), name_of_order);
INSTANTIATE_TEST_SUITE_P(, StrongerThanNeeded, testing::ValuesIn(verdicts_that(false)), name_of_order);

}  // namespace
