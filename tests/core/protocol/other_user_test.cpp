// SPDX-License-Identifier: BSD-3-Clause
// Users: who may read, who only by copying, who not at all. Most of it needs root, to be somebody else.
#include "core_test.hpp"
#include "remote.hpp"

#include <grp.h>
#include <unistd.h>

#include <sstream>
#include <stdexcept>

namespace ndsharray::test {
namespace {

constexpr uid_t somebody = 12345;
constexpr uid_t somebody_else = 23456;

void become_without_groups(uid_t user) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(user) != 0 || ::setuid(user) != 0)
        throw std::runtime_error("cannot become another user");
}

/// Reads frames as another user and tells about each.
int read_as_other(Channel& channel, const Arguments& arguments) {
    become_without_groups(somebody);
    ReaderOptions options;
    options.owner = arguments.at(1);
    Reader reader(arguments.at(0), options);
    for (;;) {
        const Frame frame = reader.read(patience);
        std::ostringstream text;
        if (!frame)
            text << name(frame.status()) << ' ' << name(reader.error().code()) << ": "
                 << reader.error().what();
        else
            text << (frame.is_copy() ? "copy" : "lease") << ' ' << (is_intact(frame) ? "intact" : "torn");
        channel.send(text.str());
        if (!channel.receive(std::nullopt))
            return 0;
    }
}
const RegisteredRole read_as_other_role("read_as_other", read_as_other);

/// Tries to be the writer of a tag as another user.
int write_as_other(Channel& channel, const Arguments& arguments) {
    become_without_groups(somebody);
    const Error error = error_of([&] { Writer writer(arguments.at(0)); });
    channel.send(std::string(name(error.code())) + ": " + error.what());
    return 0;
}
const RegisteredRole write_as_other_role("write_as_other", write_as_other);

class OtherUser : public CoreTest {
  protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "only root can become somebody else";
        std::filesystem::permissions(directory_.path(), std::filesystem::perms{0755});
    }

    /// What another user's reader says of the first frame.
    std::string other_reader_says(const std::string& owner = "") {
        ChildProcess reader("read_as_other", {tag_, owner});
        return reader.channel().receive().value_or("nothing");
    }

    std::string other_writer_says() {
        ChildProcess writer("write_as_other", {tag_});
        return writer.channel().receive().value_or("nothing");
    }

    void give_to(uid_t user) const {
        for (const auto& name : directory_.entries())
            ASSERT_EQ(::chown((directory_.path() / name).c_str(), user, user), 0);
    }
};

TEST_F(OtherUser, MayNotReadByDefault) {
    Writer writer(tag_);
    write_pattern(writer, spec_);
    const std::string said = other_reader_says();
    EXPECT_TRUE(said.starts_with("Failed PermissionDenied")) << said;
    EXPECT_TRUE(contains(said, file().string())) << said;
}

TEST_F(OtherUser, ReadsByCopyingWhereOthersMayRead) {
    Writer writer(tag_, {.permissions = 0644});
    write_pattern(writer, spec_);
    EXPECT_EQ(other_reader_says(), "copy intact");
}

TEST_F(OtherUser, LeasesWhereOthersMayReadAndWrite) {
    Writer writer(tag_, {.permissions = 0666});
    write_pattern(writer, spec_);
    EXPECT_EQ(other_reader_says(), "lease intact");
}

TEST_F(OtherUser, ReadsOnByCopying) {
    Writer writer(tag_, {.permissions = 0644});
    write_pattern(writer, spec_);
    ChildProcess reader("read_as_other", {tag_, ""});
    for (int i = 0; i < 20; ++i) {
        ASSERT_EQ(reader.channel().receive(), "copy intact");
        write_pattern(writer, spec_);
        reader.channel().send("next");
    }
}

TEST_F(OtherUser, LearnsOfTheWritersEndWhenCopying) {
    Writer writer(tag_, {.permissions = 0644});
    write_pattern(writer, spec_);
    ChildProcess reader("read_as_other", {tag_, ""});
    ASSERT_EQ(reader.channel().receive(), "copy intact");
    writer.close();
    reader.channel().send("next");
    EXPECT_TRUE(reader.channel().receive().value_or("nothing").starts_with("Disconnected"));
}

TEST_F(OtherUser, LearnsOfTheWritersDeathWhenCopying) {
    RemoteWriter writer(tag_, {.permissions = 0644});
    writer.write();
    ChildProcess reader("read_as_other", {tag_, ""});
    ASSERT_EQ(reader.channel().receive(), "copy intact");
    writer.kill();
    reader.channel().send("next");
    EXPECT_TRUE(reader.channel().receive().value_or("nothing").starts_with("Disconnected"));
    Writer clears_away(tag_);
}

TEST_F(OtherUser, IsRefusedAsAWriter) {
    Writer writer(tag_, {.permissions = 0666});
    const std::string said = other_writer_says();
    EXPECT_TRUE(said.starts_with("PermissionDenied") || said.starts_with("WrongOwner")) << said;
    EXPECT_TRUE(contains(said, file().string())) << said;
}

TEST_F(OtherUser, IsToldAsAWriterWhoseTheTagIs) {
    {
        Writer writer(tag_);
        const std::string said = other_writer_says();
        EXPECT_TRUE(contains(said, "belongs to user root") && contains(said, "choose another tag")) << said;
        EXPECT_FALSE(contains(said, "permissions=")) << said;  // that is for readers
    }
    {
        Writer writer(tag_, {.permissions = 0644});
        const std::string said = other_writer_says();
        EXPECT_TRUE(contains(said, "whose writer has the tag")) << said;
    }
}

TEST_F(OtherUser, IsToldOfADirectoryThatItMayNotWrite) {
    const std::string said = other_writer_says();
    EXPECT_TRUE(said.starts_with("PermissionDenied")) << said;
    EXPECT_TRUE(contains(said, directory_.path().string())) << said;
}

TEST_F(OtherUser, IsNotTrustedByAReader) {
    Writer writer(tag_, {.permissions = 0644});
    write_pattern(writer, spec_);
    give_to(somebody_else);
    Reader reader(tag_);
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Failed);
    EXPECT_EQ(reader.error().code(), ErrorCode::WrongOwner) << reader.error().what();
    EXPECT_TRUE(contains(reader.error().what(), file().string())) << reader.error().what();
}

TEST_F(OtherUser, IsTrustedWhenNamedAsTheOwner) {
    Writer writer(tag_, {.permissions = 0644});
    write_pattern(writer, spec_);
    give_to(somebody_else);
    EXPECT_EQ(other_reader_says(std::to_string(somebody_else)), "copy intact");
}

TEST_F(OtherUser, HasATagThatNoWriterTakes) {
    {
        RemoteWriter dead(tag_);
        dead.write();
        dead.kill();
    }
    give_to(somebody_else);
    const Error error = error_of([&] { Writer writer(tag_); });
    EXPECT_EQ(error.code(), ErrorCode::WrongOwner) << error.what();
    EXPECT_TRUE(contains(error.what(), file().string())) << error.what();
    EXPECT_TRUE(contains(error.what(), "ndsh prune --all-users " + tag_)) << error.what();
    EXPECT_FALSE(contains(error.what(), "read from")) << error.what();  // that is for readers
    give_to(0);
    Writer clears_away(tag_);
}

class Owner : public CoreTest {
  protected:
    void SetUp() override { write_pattern(writer_, spec_); }
    Writer writer_{tag_};
};

TEST_F(Owner, MayBeThisUserByNumber) {
    Reader reader(tag_, {.owner = std::to_string(::geteuid())});
    EXPECT_TRUE(reader.read(in_time));
}

TEST_F(Owner, MustHaveTheTag) {
    Reader reader(tag_, {.owner = "nobody"});
    EXPECT_EQ(reader.read(in_time).status(), ReadStatus::Failed);
    EXPECT_EQ(reader.error().code(), ErrorCode::WrongOwner) << reader.error().what();
}

}  // namespace
}  // namespace ndsharray::test
