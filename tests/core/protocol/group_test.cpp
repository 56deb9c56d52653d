// SPDX-License-Identifier: BSD-3-Clause
// permissions=0640 with real users: the owner writes, the group reads and can change nothing, everybody else
// is told which file they may not open. And tags that somebody else planted.
#include "core_test.hpp"
#include "remote.hpp"

#include <ndsharray/tag_info.hpp>

#include <fcntl.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace ndsharray::test {
namespace {

// Numbers that no account has.
constexpr uid_t owner = 34501;
constexpr uid_t member = 34502;
constexpr uid_t stranger = 34503;
constexpr gid_t group = 34510;

/// Which group a user's processes are in: the owner's and the members' is theirs in different ways.
void become_with_groups(uid_t user) {
    const gid_t supplementary[] = {group};
    const std::size_t groups = user == member ? 1 : 0;
    const gid_t primary = user == owner ? group : user;
    if (::setgroups(groups, supplementary) != 0 || ::setgid(primary) != 0 || ::setuid(user) != 0)
        throw std::runtime_error("cannot become another user");
}

std::string result_of(long returned) {
    return returned >= 0                                                            ? "done"
           : errno == EACCES || errno == EPERM || errno == EBADF || errno == EINVAL ? "refused"
                                                                                    : "failed";
}

/// What somebody who may only read a file tries with it. \returns what succeeded.
std::string attack(const std::string& path) {
    std::string done;
    const auto note = [&](const char* what, long returned) {
        if (result_of(returned) == "done")
            done += std::string(what) + ' ';
    };
    const int readable = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (readable < 0)
        return "cannot open";
    const std::string same = "/proc/self/fd/" + std::to_string(readable);
    const std::string other = path + ".other";
    note("open", ::open(path.c_str(), O_RDWR | O_CLOEXEC));
    note("open-again", ::open(same.c_str(), O_RDWR | O_CLOEXEC));
    note("open-truncating", ::open(path.c_str(), O_RDONLY | O_TRUNC | O_CLOEXEC));
    note("truncate", ::truncate(path.c_str(), 0));
    note("ftruncate", ::ftruncate(readable, 0));
    note("pwrite", ::pwrite(readable, "x", 1, 0));
    note("fallocate", ::fallocate(readable, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    note("chmod", ::fchmod(readable, 0666));
    note("chown", ::fchown(readable, ::geteuid(), ::getegid()));
    note("unlink", ::unlink(path.c_str()));
    note("rename", ::rename(path.c_str(), other.c_str()));
    void* mapped = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, readable, 0);
    note("mmap",
         ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, readable, 0) == MAP_FAILED ? -1 : 0);
    note("mprotect", ::mprotect(mapped, 4096, PROT_READ | PROT_WRITE));
    return done.empty() ? "nothing" : done;
}

/// Takes shared locks on all of a file, which whoever may read it can, and keeps them.
std::string lock_shared(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return "cannot open";
    struct flock all {};
    all.l_type = F_RDLCK;
    all.l_whence = SEEK_SET;
    return ::fcntl(file, F_OFD_SETLK, &all) == 0 ? "locked" : "held by another";
}

/// What inspect() says of a tag.
std::string what_inspect_says(const std::string& tag, const std::string& owner) {
    const TagInfo info = inspect(tag, owner);
    std::ostringstream text;
    text << "frame " << info.published << ", ";
    if (info.readers_known)
        text << info.readers.size() << " readers";
    else
        text << "readers unknown";
    return text.str();
}

std::string describe(const Frame& frame, const Reader& reader) {
    std::ostringstream text;
    if (frame)
        text << (frame.is_copy() ? "copy" : "lease") << ' ' << (is_intact(frame) ? "intact" : "torn");
    else
        text << name(frame.status()) << ' ' << name(reader.error().code()) << ": " << reader.error().what();
    return text.str();
}

/// Does as another user what a test tells it.
int act(Channel& channel, const Arguments& arguments) {
    become_with_groups(static_cast<uid_t>(std::stoul(arguments.at(0))));
    const std::string tag = arguments.at(1);
    std::optional<Writer> writer;
    std::optional<Reader> reader;
    while (const auto message = channel.receive(std::nullopt)) {
        std::istringstream words(*message);
        std::string command;
        std::string argument;
        words >> command >> argument;
        std::string answer = "ok";
        try {
            if (command == "publish") {
                if (!writer)
                    writer.emplace(tag, WriterOptions{.permissions = static_cast<unsigned>(
                                                          std::stoul(argument, nullptr, 8))});
                answer = write_pattern(*writer, bytes_spec(5000)) != 0 ? "ok" : "not published";
            } else if (command == "read") {
                std::string mode;
                words >> mode;
                if (!reader)
                    reader.emplace(tag,
                                   ReaderOptions{.mode = mode == "every" ? ReadMode::Every : ReadMode::Latest,
                                                 .owner = argument});
                const Frame frame = reader->read(patience);
                answer = describe(frame, *reader);
            } else if (command == "attack") {
                answer = attack(argument);
            } else if (command == "lock") {
                answer = lock_shared(argument);
            } else if (command == "look") {
                answer = what_inspect_says(tag, argument);
            } else if (command == "umask") {
                ::umask(static_cast<mode_t>(std::stoul(argument, nullptr, 8)));
            } else if (command == "plant") {
                std::ofstream(argument) << std::string(16384, '\0');
                ::chmod(argument.c_str(), 0666);
            } else {
                answer = "unknown command";
            }
        } catch (const Error& error) {
            answer = std::string(name(error.code())) + ": " + error.what();
        }
        channel.send(answer);
    }
    return 0;
}
const RegisteredRole act_role("act", act);

/// A process of some user.
class Person {
  public:
    Person(uid_t user, const std::string& tag) : process_("act", {std::to_string(user), tag}) {}

    std::string does(const std::string& command) {
        process_.channel().send(command);
        return process_.channel().receive(2 * patience).value_or("ended");
    }

  private:
    ChildProcess process_;
};

class Group : public CoreTest {
  protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "only root can become other users, and a user namespace has but one";
        // As /dev/shm is: everybody makes files, nobody removes those of others.
        ::chmod(directory_.path().c_str(), 01777);
    }
    void TearDown() override { directory_.clear(); }

    std::vector<std::filesystem::path> files() const {
        std::vector<std::filesystem::path> paths;
        for (const auto& name : directory_.entries())
            paths.push_back(directory_.path() / name);
        return paths;
    }

    static ::testing::AssertionResult says(const std::string& said, const std::string& start,
                                           const std::filesystem::path& path) {
        if (said.starts_with(start) && contains(said, path.string()))
            return ::testing::AssertionSuccess();
        return ::testing::AssertionFailure() << said;
    }
};

TEST_F(Group, ReadsPixels) {
    Person writes(owner, tag_);
    ASSERT_EQ(writes.does("publish 0640"), "ok");
    Person reads(member, tag_);
    EXPECT_EQ(reads.does("read " + std::to_string(owner)), "copy intact");
    EXPECT_EQ(writes.does("publish"), "ok");
    EXPECT_EQ(reads.does("read"), "copy intact");
}

TEST_F(Group, CanChangeNothing) {
    Person writes(owner, tag_);
    ASSERT_EQ(writes.does("publish 0640"), "ok");
    Person reads(member, tag_);
    ASSERT_EQ(reads.does("read " + std::to_string(owner)), "copy intact");
    const auto before = directory_.entries();
    ASSERT_EQ(before.size(), 3U);
    for (const auto& path : files())
        EXPECT_EQ(reads.does("attack " + path.string()), path == file(".readers") ? "cannot open" : "nothing")
            << path;
    EXPECT_EQ(directory_.entries(), before);
}

TEST_F(Group, DoesNotDisturbFramesOfOthers) {
    Person writes(owner, tag_);
    ASSERT_EQ(writes.does("publish 0640"), "ok");
    Person leases(owner, tag_);
    Person copies(member, tag_);
    ASSERT_EQ(leases.does("read"), "lease intact");
    ASSERT_EQ(copies.does("read " + std::to_string(owner)), "copy intact");
    Person attacks(member, tag_);
    for (int i = 0; i < 10; ++i) {
        for (const auto& path : files())
            attacks.does("attack " + path.string());
        ASSERT_EQ(writes.does("publish"), "ok");
        ASSERT_EQ(leases.does("read"), "lease intact");
        ASSERT_EQ(copies.does("read"), "copy intact");
    }
}

// With locks on all entries of the table, no reader that comes could lease, or be waited for.
TEST_F(Group, KeepsNoReaderFromItsEntry) {
    Person writes(owner, tag_);
    ASSERT_EQ(writes.does("publish 0640"), "ok");
    Person locks(member, tag_);
    EXPECT_EQ(locks.does("lock " + file(".readers").string()), "cannot open");
    EXPECT_EQ(locks.does("lock " + file().string()), "held by another");
    Person leases(owner, tag_);
    EXPECT_EQ(leases.does("read"), "lease intact");
    Person takes_every(owner, tag_);
    EXPECT_EQ(takes_every.does("read " + std::to_string(owner) + " every"), "lease intact");
    EXPECT_EQ(writes.does("look"), "frame 1, 2 readers");
}

TEST_F(Group, LooksAtTheTagButNotAtItsReaders) {
    Person writes(owner, tag_);
    ASSERT_EQ(writes.does("publish 0640"), "ok");
    Person leases(owner, tag_);
    ASSERT_EQ(leases.does("read"), "lease intact");
    EXPECT_EQ(writes.does("look"), "frame 1, 1 readers");
    Person looks(member, tag_);
    EXPECT_EQ(looks.does("look " + std::to_string(owner)), "frame 1, readers unknown");
    Person refused(stranger, tag_);
    EXPECT_TRUE(says(refused.does("look " + std::to_string(owner)), "PermissionDenied", file()));
}

TEST_F(Group, LooksAtReadersWhereItMayWriteToo) {
    Person writes(owner, tag_);
    ASSERT_EQ(writes.does("publish 0660"), "ok");
    Person looks(member, tag_);
    EXPECT_EQ(looks.does("look " + std::to_string(owner)), "frame 1, 0 readers");
}

TEST_F(Group, LeasesWhereItMayWriteToo) {
    Person writes(owner, tag_);
    ASSERT_EQ(writes.does("publish 0660"), "ok");
    Person reads(member, tag_);
    EXPECT_EQ(reads.does("read " + std::to_string(owner)), "lease intact");
    // The table is theirs to write, pixels are not.
    for (const auto& path : files()) {
        const std::string done = reads.does("attack " + path.string());
        EXPECT_EQ(done == "nothing", path != file(".readers")) << path << ' ' << done;
    }
    EXPECT_EQ(writes.does("publish"), "ok");  // although the table was cut
}

TEST_F(Group, KeepsStrangersOutWhoAreToldTheFile) {
    Person writes(owner, tag_);
    ASSERT_EQ(writes.does("publish 0640"), "ok");
    Person reads(stranger, tag_);
    EXPECT_TRUE(says(reads.does("read " + std::to_string(owner)), "Failed PermissionDenied", file()));
    for (const auto& path : files())
        EXPECT_EQ(reads.does("attack " + path.string()), "cannot open");
    EXPECT_TRUE(says(reads.does("publish 0600"), "PermissionDenied", file()));
}

TEST_F(Group, MembersAreRefusedAsWriters) {
    Person writes(owner, tag_);
    ASSERT_EQ(writes.does("publish 0640"), "ok");
    Person tries(member, tag_);
    EXPECT_TRUE(says(tries.does("publish 0640"), "PermissionDenied", file()));
}

TEST_F(Group, ModesAreAsAskedUnderAnyUmask) {
    for (const char* umask : {"000", "022", "077", "777"}) {
        Person writes(owner, tag_);
        ASSERT_EQ(writes.does(std::string("umask ") + umask), "ok");
        ASSERT_EQ(writes.does("publish 0640"), "ok");
        ASSERT_EQ(directory_.entries().size(), 3U);
        for (const auto& path : files())
            EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(path).permissions()),
                      path == file(".readers") ? 0600U : 0640U)
                << umask << ' ' << path;
    }
}

TEST_F(Group, MembersDoNotTrustATagWithoutBeingTold) {
    Person writes(owner, tag_);
    ASSERT_EQ(writes.does("publish 0640"), "ok");
    Person reads(member, tag_);
    EXPECT_TRUE(says(reads.does("read"), "Failed WrongOwner", file()));
}

// ---- planted files

TEST_F(Group, APlantedTagIsRefusedByTheWriter) {
    Person plants(stranger, tag_);
    ASSERT_EQ(plants.does("publish 0666"), "ok");
    Person writes(owner, tag_);
    EXPECT_FALSE(writes.does("publish 0640").starts_with("ok"));
    EXPECT_TRUE(says(writes.does("publish 0640"), "PermissionDenied", file()));
}

TEST_F(Group, APlantedTagThatMayBeWrittenIsRefusedByTheWriter) {
    Person plants(stranger, tag_);
    ASSERT_EQ(plants.does("plant " + file().string()), "ok");
    Person writes(owner, tag_);
    EXPECT_TRUE(says(writes.does("publish 0640"), "WrongOwner", file()));
}

TEST_F(Group, APlantedTagIsRefusedByReadersButThoseWhoNameItsOwner) {
    Person plants(stranger, tag_);
    ASSERT_EQ(plants.does("publish 0644"), "ok");
    Person trusts_nobody(owner, tag_);
    EXPECT_TRUE(says(trusts_nobody.does("read"), "Failed WrongOwner", file()));
    Person trusts_another(owner, tag_);
    EXPECT_TRUE(says(trusts_another.does("read " + std::to_string(member)), "Failed WrongOwner", file()));
    Person trusts_them(owner, tag_);
    EXPECT_EQ(trusts_them.does("read " + std::to_string(stranger)), "copy intact");
}

TEST_F(Group, APlantedReaderTableIsRefusedByTheWriterThatLeavesNothing) {
    Person plants(stranger, tag_);
    ASSERT_EQ(plants.does("plant " + file(".readers").string()), "ok");
    Person writes(owner, tag_);
    EXPECT_TRUE(says(writes.does("publish 0640"), "PermissionDenied", file(".readers")));
    EXPECT_EQ(directory_.entries(), std::vector<std::string>{file(".readers").filename()});
}

TEST_F(Group, APlantedReaderTableIsRefusedByReaders) {
    Person writes(owner, tag_);
    ASSERT_EQ(writes.does("publish 0644"), "ok");
    std::filesystem::remove(file(".readers"));
    Person plants(stranger, tag_);
    ASSERT_EQ(plants.does("plant " + file(".readers").string()), "ok");
    Person reads(member, tag_);
    EXPECT_TRUE(says(reads.does("read " + std::to_string(owner)), "Failed WrongOwner", file(".readers")));
}

}  // namespace
}  // namespace ndsharray::test
