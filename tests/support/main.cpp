// SPDX-License-Identifier: BSD-3-Clause
// Entry of every test program: its tests, or the role it was started for. `--file=order_test.cpp` runs the
// tests of that source file; $GTEST_FILTER and --gtest_filter take further ones out.
#include <support/child_process.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view file_option = "--file=";
constexpr int skipped = 77;

/// Lets only the tests of a source file run, of those that the filter leaves.
/// \returns how many there are in the file.
int select_file(std::string_view file) {
    const ::testing::UnitTest& all = *::testing::UnitTest::GetInstance();
    std::string names;
    int count = 0;
    for (int i = 0; i < all.total_test_suite_count(); ++i) {
        const ::testing::TestSuite& suite = *all.GetTestSuite(i);
        for (int j = 0; j < suite.total_test_count(); ++j) {
            const ::testing::TestInfo& test = *suite.GetTestInfo(j);
            if (std::filesystem::path(test.file()).filename() == file) {
                names += (count++ == 0 ? "" : ":") + std::string(suite.name()) + "." + test.name();
            }
        }
    }
    const std::string filter = GTEST_FLAG_GET(filter);
    const std::size_t minus = filter.find('-');
    if (filter.substr(0, minus) != "*" && minus != 0) {
        return count;  // a filter by hand names what it wants
    }
    GTEST_FLAG_SET(filter, names + (minus == std::string::npos ? "" : filter.substr(minus)));
    return count;
}

}  // namespace

int main(int argc, char** argv) {
    // nohup and shells that run something in the background ignore some of these, and so would what a test
    // starts.
    for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM})
        std::signal(signal, SIG_DFL);
    if (const auto exit_code = ndsharray::test::run_role(argc, argv))
        return *exit_code;
    ::testing::InitGoogleTest(&argc, argv);
    for (int i = 1; i < argc; ++i) {
        if (std::string_view argument = argv[i]; argument.starts_with(file_option)) {
            argument.remove_prefix(file_option.size());
            if (select_file(argument) == 0) {
                std::fprintf(stderr, "no test is in %s\n", std::string(argument).c_str());
                return 1;
            }
        }
    }
    const int status = RUN_ALL_TESTS();
    // Where all tests of a file are left out, nothing has passed: Meson counts this as skipped.
    return status == 0 && ::testing::UnitTest::GetInstance()->test_to_run_count() == 0 ? skipped : status;
}
