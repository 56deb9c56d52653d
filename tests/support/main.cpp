// SPDX-License-Identifier: BSD-3-Clause
// Entry of every test program: its tests, or the role it was started for.
#include <support/child_process.hpp>

#include <gtest/gtest.h>

int main(int argc, char** argv) {
    if (const auto exit_code = ndsharray::test::run_role(argc, argv))
        return *exit_code;
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
