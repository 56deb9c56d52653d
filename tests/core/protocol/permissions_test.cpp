// SPDX-License-Identifier: BSD-3-Clause
// Modes of a tag's files: as asked for, whatever the umask is, and never pixels that others may write.
#include "core_test.hpp"
#include "remote.hpp"

#include <sys/stat.h>

#include <optional>
#include <utility>

namespace ndsharray::test {
namespace {

/// Sets the umask of this process and puts it back.
class Umask {
  public:
    explicit Umask(mode_t mask) : outer_(::umask(mask)) {}
    ~Umask() { ::umask(outer_); }
    Umask(const Umask&) = delete;
    Umask& operator=(const Umask&) = delete;

  private:
    mode_t outer_;
};

class Permissions : public CoreTest {
  protected:
    static unsigned mode_of(const std::filesystem::path& path) {
        return static_cast<unsigned>(std::filesystem::status(path).permissions());
    }

    /// Starts to write with these permissions.
    void write_with(unsigned permissions) {
        writer_.emplace(tag_, WriterOptions{.permissions = permissions});
        write_pattern(*writer_, spec_);
    }

    std::optional<Writer> writer_;
};

TEST_F(Permissions, AreTheUserAloneByDefault) {
    const Umask umask(0);
    writer_.emplace(tag_);
    write_pattern(*writer_, spec_);
    for (const auto& name : directory_.entries())
        EXPECT_EQ(mode_of(directory_.path() / name), 0600U) << name;
}

TEST_F(Permissions, LetTheGroupRead) {
    write_with(0640);
    EXPECT_EQ(mode_of(file()), 0640U);
    EXPECT_EQ(mode_of(file(".readers")), 0600U) << "they would lock it";
    EXPECT_EQ(mode_of(segment_file()), 0640U);
}

TEST_F(Permissions, LetEverybodyRead) {
    write_with(0644);
    EXPECT_EQ(mode_of(file()), 0644U);
    EXPECT_EQ(mode_of(file(".readers")), 0600U);
    EXPECT_EQ(mode_of(segment_file()), 0644U);
}

TEST_F(Permissions, LetOthersTakeLeasesButNeverWritePixels) {
    write_with(0666);
    EXPECT_EQ(mode_of(file()), 0644U);
    EXPECT_EQ(mode_of(file(".readers")), 0666U);
    EXPECT_EQ(mode_of(segment_file()), 0644U);
}

TEST_F(Permissions, OfTheTableAreForEachClassAllOrNothing) {
    const std::pair<unsigned, unsigned> cases[] = {{0664, 0660}, {0646, 0606}, {0620, 0600}, {0466, 0666}};
    for (const auto& [asked, table] : cases) {
        write_with(asked);
        EXPECT_EQ(mode_of(file(".readers")), table) << std::oct << asked;
    }
}

TEST_F(Permissions, DoNotDependOnTheUmask) {
    const Umask umask(077);
    write_with(0644);
    EXPECT_EQ(mode_of(file()), 0644U);
    EXPECT_EQ(mode_of(file(".readers")), 0600U);
    EXPECT_EQ(mode_of(segment_file()), 0644U);
}

TEST_F(Permissions, HoldForEverySegment) {
    write_with(0640);
    write_pattern(*writer_, bytes_spec(10));
    EXPECT_EQ(mode_of(directory_.path() / writer_->segment_name()), 0640U);
}

TEST_F(Permissions, OfADeadWriterDoNotStay) {
    {
        RemoteWriter writer(tag_, {.permissions = 0666});
        writer.write();
        writer.kill();
    }
    write_with(0600);
    for (const auto& name : directory_.entries())
        EXPECT_EQ(mode_of(directory_.path() / name), 0600U) << name;
}

// Whoever has a table open keeps it open, whatever its mode becomes.
TEST_F(Permissions, ThatBecomeNarrowerMakeForATableNobodyHasOpen) {
    for (const unsigned before : {0666U, 0600U}) {
        RemoteWriter dead(tag_, {.permissions = before});
        dead.write();
        dead.kill();
        const std::filesystem::path kept = directory_.path() / "kept";
        std::filesystem::create_hard_link(file(".readers"), kept);
        write_with(0600);
        EXPECT_EQ(std::filesystem::equivalent(file(".readers"), kept), before == 0600);
        Reader reader(tag_);
        EXPECT_FALSE(reader.read(in_time).is_copy());
        writer_.reset();
        std::filesystem::remove(kept);
    }
}

}  // namespace
}  // namespace ndsharray::test
