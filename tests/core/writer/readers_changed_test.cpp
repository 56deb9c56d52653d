// SPDX-License-Identifier: BSD-3-Clause
// The writer is told when readers come, leave and die.
#include "core_test.hpp"
#include "remote.hpp"

#include <mutex>

namespace ndsharray::test {
namespace {

/// Counts what on_readers_changed tells.
class ReadersChanged : public CoreTest {
  protected:
    ReadersChanged() {
        writer_.on_readers_changed([this](unsigned readers) {
            const std::lock_guard lock(mutex_);
            told_.push_back(readers);
        });
    }

    /// Waits until the last thing told is this number of readers.
    bool comes_to(unsigned readers) {
        return wait_until([&] {
            const std::lock_guard lock(mutex_);
            return !told_.empty() && told_.back() == readers;
        });
    }

    std::mutex mutex_;
    std::vector<unsigned> told_;
    Writer writer_{tag_};
};

TEST_F(ReadersChanged, IsToldWhenAReaderAttaches) {
    RemoteReader reader(tag_);
    ASSERT_TRUE(attach(reader, writer_));
    EXPECT_TRUE(comes_to(1));
    EXPECT_EQ(writer_.stats().readers, 1U);
}

TEST_F(ReadersChanged, IsToldWhenAReaderLeaves) {
    RemoteReader reader(tag_);
    ASSERT_TRUE(attach(reader, writer_));
    ASSERT_TRUE(comes_to(1));
    reader.close();
    EXPECT_TRUE(comes_to(0));
}

TEST_F(ReadersChanged, IsToldWhenAReaderIsKilled) {
    RemoteReader reader(tag_);
    ASSERT_TRUE(attach(reader, writer_));
    ASSERT_TRUE(comes_to(1));
    reader.kill();
    EXPECT_TRUE(comes_to(0));
    EXPECT_EQ(writer_.stats().readers, 0U);
}

TEST_F(ReadersChanged, CountsEveryReader) {
    std::vector<Reader> readers;
    for (unsigned count = 1; count <= 5; ++count) {
        readers.emplace_back(tag_);
        ASSERT_TRUE(attach(readers.back()));
        EXPECT_TRUE(comes_to(count)) << count;
    }
    for (unsigned count = 5; count-- > 0;) {
        readers.pop_back();
        EXPECT_TRUE(comes_to(count)) << count;
    }
}

TEST_F(ReadersChanged, IsToldWithoutAnyFrame) {
    Reader reader(tag_);
    ASSERT_TRUE(attach(reader));
    EXPECT_TRUE(comes_to(1));
}

TEST_F(ReadersChanged, IsToldNoMoreAfterItEnded) {
    writer_.on_readers_changed({});
    Reader reader(tag_);
    ASSERT_TRUE(attach(reader));
    ASSERT_TRUE(wait_until([&] { return writer_.stats().readers == 1; }));
    writer_.close();
    EXPECT_EQ(told_, std::vector<unsigned>{});
}

}  // namespace
}  // namespace ndsharray::test
