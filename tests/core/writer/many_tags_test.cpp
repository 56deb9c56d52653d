// SPDX-License-Identifier: BSD-3-Clause
// Opening a writer among many tags: it takes as long as among few, and finds what a dead writer left all the
// same.
#include "core_test.hpp"

#include <algorithm>
#include <fstream>

namespace ndsharray::test {
namespace {

class OpeningAmongTags : public CoreTest {
  protected:
    /// The fastest of some: the others waited for something else.
    std::chrono::nanoseconds time_to_open() const {
        auto fastest = std::chrono::nanoseconds::max();
        for (int i = 0; i < 20; ++i) {
            const auto start = std::chrono::steady_clock::now();
            const Writer writer(tag_);
            fastest = std::min<std::chrono::nanoseconds>(fastest, std::chrono::steady_clock::now() - start);
        }
        return fastest;
    }

    std::filesystem::path make(const std::string& name) const {
        const std::filesystem::path path = directory_.path() / name;
        std::ofstream(path) << "something";
        return path;
    }

    const std::string no_id_ = std::string(32, '0');
    const std::string some_id_ = "0123456789abcdef0123456789abcdef";
};

TEST_F(OpeningAmongTags, TakesNoLongerTheMoreThereAre) {
    const auto alone = time_to_open();
    for (int i = 0; i < 20'000; ++i)
        make("ndsh.other" + std::to_string(i));
    EXPECT_LT(time_to_open(), 3 * alone + 1ms);
    directory_.clear();
}

TEST_F(OpeningAmongTags, ReplacesTheHalfMadeFileOfADeadWriter) {
    const auto half_made = make("ndsh.." + tag_ + "." + no_id_);
    const Writer writer(tag_);
    EXPECT_FALSE(std::filesystem::exists(half_made));
}

TEST_F(OpeningAmongTags, RemovesWhatLiesBesideATableWithoutAControlFile) {
    const auto segment = make("ndsh." + tag_ + "." + some_id_);
    make("ndsh." + tag_ + ".readers");
    const Writer writer(tag_);
    EXPECT_FALSE(std::filesystem::exists(segment));
}

}  // namespace
}  // namespace ndsharray::test
