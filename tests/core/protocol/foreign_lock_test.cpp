// SPDX-License-Identifier: BSD-3-Clause
// Shared locks, which whoever may read a file can take: they keep no writer out and no dead reader's leases
// alive.
#include "core_test.hpp"
#include "remote.hpp"

#include <support/background_call.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <future>
#include <optional>
#include <vector>

namespace ndsharray::test {
namespace {

/// A file as somebody opens it who may only read it.
class ReadOnlyFile {
  public:
    explicit ReadOnlyFile(const std::filesystem::path& path)
        : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    ~ReadOnlyFile() { ::close(descriptor_); }
    ReadOnlyFile(const ReadOnlyFile&) = delete;
    ReadOnlyFile& operator=(const ReadOnlyFile&) = delete;

    /// Locks the whole file; `F_OFD_SETLKW` waits until nobody holds a part of it alone.
    bool lock(int command = F_OFD_SETLK, long first = 0, long bytes = 0) const {
        struct flock request {};
        request.l_type = F_RDLCK;
        request.l_whence = SEEK_SET;
        request.l_start = first;
        request.l_len = bytes;
        return ::fcntl(descriptor_, command, &request) == 0;
    }

  private:
    int descriptor_;
};

class ForeignLock : public CoreTest {};

TEST_F(ForeignLock, OnADeadWritersTagDoesNotKeepTheNextOut) {
    RemoteWriter dead(tag_);
    dead.write();
    Reader reader(tag_);
    ASSERT_TRUE(reader.read(in_time));
    dead.kill();
    const ReadOnlyFile control(file());
    ASSERT_TRUE(control.lock());
    Writer writer(tag_);
    write_pattern(writer, spec_);
    Frame frame;
    EXPECT_TRUE(wait_until([&] { return static_cast<bool>(frame = reader.read(10ms)); }));
    EXPECT_TRUE(is_intact(frame));
}

TEST_F(ForeignLock, ThatWaitsForAWritersDeathDoesNotKeepTheNextOut) {
    RemoteWriter dead(tag_);
    dead.write();
    const ReadOnlyFile control(file());
    BackgroundCall<bool> lock([&] { return control.lock(F_OFD_SETLKW); }, [&] { dead.kill(); });
    ASSERT_TRUE(lock.blocks());
    dead.kill();
    ASSERT_TRUE(lock.result());
    Writer writer(tag_);
    write_pattern(writer, spec_);
    Reader reader(tag_);
    EXPECT_TRUE(is_intact(reader.read(in_time)));
}

TEST_F(ForeignLock, LetsOnlyOneOfManyWritersIn) {
    for (int round = 0; round < 20; ++round) {
        {
            RemoteWriter dead(tag_);
            dead.kill();
        }
        const ReadOnlyFile control(file());
        ASSERT_TRUE(control.lock());
        std::promise<void> start;
        const std::shared_future<void> started = start.get_future().share();
        std::vector<std::future<std::optional<Writer>>> starting;
        for (int i = 0; i < 3; ++i)
            starting.push_back(std::async(std::launch::async, [&]() -> std::optional<Writer> {
                started.wait();
                try {
                    return Writer(tag_);
                } catch (const Error& error) {
                    EXPECT_EQ(error.code(), ErrorCode::TagInUse) << error.what();
                    return std::nullopt;
                }
            }));
        start.set_value();
        std::vector<std::optional<Writer>> writers;
        for (auto& writer : starting)
            writers.push_back(writer.get());
        unsigned in = 0;
        for (const auto& writer : writers)
            in += writer ? 1 : 0;
        EXPECT_EQ(in, 1U);
    }
}

TEST_F(ForeignLock, OnALiveWritersTagIsNotToBeHad) {
    Writer writer(tag_);
    const ReadOnlyFile control(file());
    EXPECT_FALSE(control.lock());
    EXPECT_EQ(error_of([&] { Writer second(tag_); }).code(), ErrorCode::TagInUse);
}

/// Puts what a reader that died would have left into the table: its entry, active, with all slots leased.
void plant_dead_reader(const std::filesystem::path& table, std::uint32_t generation) {
    constexpr std::streamoff active = 64;  // offsets of core/PROTOCOL.md
    constexpr std::streamoff entry = 192 + 128 * 5;
    const std::uint64_t bit = std::uint64_t{1} << 5;
    const std::uint64_t lease = std::uint64_t{generation} << 32 | 0xffffffff;
    std::fstream file(table, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(entry).write(reinterpret_cast<const char*>(&lease), sizeof lease);
    file.seekp(active).write(reinterpret_cast<const char*>(&bit), sizeof bit);
}

TEST_F(ForeignLock, DoesNotKeepADeadReadersLeases) {
    Writer writer(tag_, {.slots = 3});
    write_pattern(writer, spec_);
    const ReadOnlyFile table(file(".readers"));
    ASSERT_TRUE(table.lock());
    plant_dead_reader(file(".readers"), writer.stats().generation);
    for (int i = 0; i < 10; ++i)
        EXPECT_NE(write_pattern(writer, spec_), 0U) << i;
    EXPECT_EQ(writer.stats().reclaimed, 1U);
}

TEST_F(ForeignLock, DoesNotKeepAWriterWaitingForADeadReader) {
    Writer writer(tag_, {.slots = 3, .backpressure = true});
    RemoteReader reader(tag_, in_order());
    ASSERT_TRUE(attach(reader, writer));
    const ReadOnlyFile table(file(".readers"));
    BackgroundCall<bool> lock([&] { return table.lock(F_OFD_SETLKW, 0, max_readers); },
                              [&] { reader.kill(); });
    ASSERT_TRUE(lock.blocks());
    reader.kill();
    ASSERT_TRUE(lock.result());
    for (int i = 0; i < 10; ++i)
        ASSERT_NE(write_pattern(writer, spec_), 0U) << i;
}

TEST_F(ForeignLock, OnEveryEntryLeavesReadersToCopy) {
    Writer writer(tag_);
    write_pattern(writer, spec_);
    const ReadOnlyFile table(file(".readers"));
    ASSERT_TRUE(table.lock());
    Reader reader(tag_);
    const Frame frame = reader.read(in_time);
    EXPECT_TRUE(is_intact(frame));
    EXPECT_TRUE(frame.is_copy());
}

}  // namespace
}  // namespace ndsharray::test
