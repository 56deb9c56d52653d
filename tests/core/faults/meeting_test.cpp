// SPDX-License-Identifier: BSD-3-Clause
// Writers that meet between two steps of one of them, where no test comes by chance.
#include "faults.hpp"

#include "../core_test.hpp"
#include "../remote.hpp"

#include <filesystem>
#include <optional>

namespace ndsharray::test {
namespace {

class Meeting : public CoreTest {};

TEST_F(Meeting, OfTwoWritersLeavesTheTagToWhoseFileHasTheName) {
    RemoteWriter dead(tag_);
    dead.kill();
    std::optional<RemoteWriter> other;
    // The lock is on a file that has lost its name by now, to one with a lock of its own.
    when_reached(fault::Point::DeadControlLocked, [&] {
        std::filesystem::remove(file());
        other.emplace(tag_);
        other->write();
    });
    EXPECT_EQ(error_of([&] { Writer writer(tag_); }).code(), ErrorCode::TagInUse);
    ASSERT_TRUE(other);
    EXPECT_EQ(directory_.entries().size(), 3U) << "files of the other are gone";
    Reader reader(tag_);
    EXPECT_TRUE(is_intact(reader.read(in_time)));
    other->close();
}

}  // namespace
}  // namespace ndsharray::test
