// SPDX-License-Identifier: BSD-3-Clause
// Readers that write anything into the reader table, which is theirs to write: no writer and no other reader
// is stopped by it.
#include "core_test.hpp"
#include "open_file.hpp"
#include "remote.hpp"

#include <protocol/layout.hpp>

#include <cstddef>
#include <cstdint>

namespace ndsharray::test {
namespace {

using layout::ReaderEntry;
using layout::ReaderTable;

/// What a reader may leave in its entry.
struct Entry {
    std::uint64_t lease;
    std::uint64_t cursor;
    std::uint32_t flags;
    std::uint32_t pid;
};

class HostileReader : public CoreTest {
  protected:
    void plant_everywhere(const Entry& entry) const {
        const OpenFile table(file(".readers"));
        for (std::size_t i = 0; i < max_readers; ++i)
            table.put(offsetof(ReaderTable, entries) + i * sizeof(ReaderEntry), entry);
        table.put(offsetof(ReaderTable, active), most);
    }
};

TEST_F(HostileReader, ThatIsDeadDoesNotStopAWriter) {
    for (const bool backpressure : {false, true}) {
        WriterOptions options;
        options.slots = 3;
        options.backpressure = backpressure;
        Writer writer(tag_, options);
        for (const std::uint64_t cursor : {most, most - 1, std::uint64_t{0}, std::uint64_t{1}})
            for (const std::uint64_t lease : {most, std::uint64_t{1} << 32 | 7, std::uint64_t{0}}) {
                plant_everywhere({lease, cursor, 0xffffffff, 0xffffffff});
                for (int i = 0; i < 10; ++i)
                    ASSERT_NE(write_pattern(writer, spec_), 0U) << lease << ' ' << cursor;
                plant_everywhere({lease, cursor, layout::reader_every, 0});
                for (int i = 0; i < 10; ++i)
                    ASSERT_NE(write_pattern(writer, spec_), 0U) << lease << ' ' << cursor;
                EXPECT_EQ(writer.drain(in_time), WriteStatus::Ok);
                EXPECT_NE(write_pattern(writer, bytes_spec(4000)), 0U);  // a change of layout
            }
    }
}

TEST_F(HostileReader, WithACursorPastAllFramesDoesNotStopAWriter) {
    Writer writer(tag_, {.slots = 3, .backpressure = true});
    Reader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader));
    OpenFile(file(".readers")).put(offsetof(ReaderTable, entries) + offsetof(ReaderEntry, cursor), most);
    for (int i = 0; i < 20; ++i)
        ASSERT_NE(write_pattern(writer, spec_), 0U);
}

TEST_F(HostileReader, ThatWroteOverTheTablesHeaderIsForgottenByTheNextWriter) {
    for (const std::size_t offset : {0U, 8U, 12U, 16U, 32U, 36U}) {
        {
            RemoteWriter dead(tag_, {.permissions = 0666});
            dead.write();
            dead.kill();
        }
        OpenFile(file(".readers")).put(offset, most);
        Writer writer(tag_);
        Reader reader(tag_);
        write_pattern(writer, spec_);
        const Frame frame = reader.read(in_time);
        EXPECT_TRUE(is_intact(frame)) << offset;
        EXPECT_FALSE(frame.is_copy());
    }
}

TEST_F(HostileReader, ThatWroteOverTheTablesHeaderFailsOtherReadersNamingIt) {
    Writer writer(tag_);
    write_pattern(writer, spec_);
    OpenFile(file(".readers")).put(32, 65U);  // entries
    Reader reader(tag_);
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Failed);
    EXPECT_EQ(reader.error().code(), ErrorCode::Damaged);
    EXPECT_TRUE(contains(reader.error().what(), file(".readers").string())) << reader.error().what();
}

}  // namespace
}  // namespace ndsharray::test
