// SPDX-License-Identifier: BSD-3-Clause
// A Writer or Reader that was moved from answers every call, and none of them does anything.
#include "core_test.hpp"

#include <utility>

namespace ndsharray::test {
namespace {

using MovedFrom = CoreTest;

// What is left of a moved object is what these are about.
// NOLINTBEGIN(bugprone-use-after-move,hicpp-invalid-access-moved)

TEST_F(MovedFrom, WriterIsLikeOneThatWasClosed) {
    Writer writer(tag_);
    writer.configure(spec_);
    WritableFrame frame = writer.acquire();
    Writer other(std::move(writer));

    EXPECT_EQ(writer.acquire().status(), WriteStatus::Closed);
    EXPECT_EQ(writer.acquire_pinned().status(), WriteStatus::Closed);
    EXPECT_EQ(writer.publish_pinned(frame), 0U);
    EXPECT_EQ(writer.wait_for_reader(), WriteStatus::Closed);
    EXPECT_EQ(writer.drain(), WriteStatus::Closed);
    writer.end_of_stream();
    writer.cancel();
    writer.resume();
    EXPECT_EQ(writer.tag(), "");
    EXPECT_EQ(writer.options().slots, 0U);
    EXPECT_EQ(writer.segment_name(), "");
    EXPECT_EQ(writer.stats().slots, 0U);
    EXPECT_EQ(writer.error().code(), ErrorCode::Closed);
    const std::byte pixels[8]{};
    const Error errors[] = {
        error_of([&] { writer.configure(spec_); }),
        error_of([&] { static_cast<void>(writer.configure(spec_, {}, 0, 0ns)); }),
        error_of([&] { writer.acquire(spec_); }),
        error_of([&] {
            writer.write({pixels, bytes_spec(sizeof pixels)});
        }),
        error_of([&] { writer.on_reader_change({}); }),
    };
    for (const Error& error : errors)
        EXPECT_EQ(error.code(), ErrorCode::Closed) << error.what();
    EXPECT_EQ(writer.publish(std::move(frame)), 0U);
    writer.close();

    EXPECT_NE(write_pattern(other, spec_), 0U) << "the tag is not the other's";
    writer = std::move(other);
    EXPECT_NE(write_pattern(writer, spec_), 0U) << "it does not work again";
}

TEST_F(MovedFrom, ReaderFailsAndSaysWhy) {
    Writer writer(tag_);
    Reader reader(tag_, in_order());
    Reader other(std::move(reader));

    EXPECT_EQ(reader.read().status(), ReadStatus::Failed);
    EXPECT_EQ(reader.error().code(), ErrorCode::Closed);
    EXPECT_EQ(reader.obstacle().code(), ErrorCode::Closed);
    reader.cancel();
    reader.resume();
    reader.suspend(true);
    EXPECT_EQ(reader.tag(), "");
    EXPECT_EQ(reader.mode(), ReadMode::Latest);
    EXPECT_FALSE(reader.attached());
    EXPECT_FALSE(reader.writer_has_backpressure());
    EXPECT_EQ(reader.segment_name(), "");
    EXPECT_EQ(reader.stats().frames, 0U);

    write_pattern(writer, spec_);
    EXPECT_TRUE(other.read(in_time));
    reader = std::move(other);
    write_pattern(writer, spec_);
    EXPECT_TRUE(reader.read(in_time)) << "it does not work again";
}

// NOLINTEND(bugprone-use-after-move,hicpp-invalid-access-moved)

}  // namespace
}  // namespace ndsharray::test
