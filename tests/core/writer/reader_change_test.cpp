// SPDX-License-Identifier: BSD-3-Clause
// The writer is told of each reader that comes, leaves or dies: which process, and how many are left.
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <stdexcept>

#include "core_test.hpp"
#include "remote.hpp"

namespace ndsharray::test {
namespace {

using Kind = ReaderChange::Kind;

/// Keeps what on_reader_change tells.
class ReaderChanges : public CoreTest {
  protected:
    struct Told {
        Kind kind;
        pid_t pid;
        unsigned readers;
        bool operator==(const Told&) const = default;
    };

    ReaderChanges() {
        writer_.on_reader_change([this](const ReaderChange& change) { keep(change); });
    }

    /// Ends the calls, before what they use is gone.
    ~ReaderChanges() override { writer_.on_reader_change({}); }

    void keep(const ReaderChange& change) {
        const std::lock_guard lock(mutex_);
        told_.push_back({change.kind, static_cast<pid_t>(change.pid), change.readers});
    }

    /// Waits until so many things were told, and gives them.
    std::vector<Told> told(std::size_t count) {
        const auto have = [&] {
            const std::lock_guard lock(mutex_);
            return told_;
        };
        wait_until([&] { return have().size() >= count; });
        return have();
    }

    std::mutex mutex_;
    std::vector<Told> told_;
    Writer writer_{tag_};
};

TEST_F(ReaderChanges, NameTheProcess) {
    RemoteReader first(tag_), second(tag_);
    ASSERT_TRUE(attach(first, writer_));
    ASSERT_EQ(told(1), (std::vector<Told>{{Kind::Added, first.pid(), 1}}));
    ASSERT_TRUE(attach(second, writer_));
    ASSERT_EQ(told(2).back(), (Told{Kind::Added, second.pid(), 2}));
    const pid_t gone = first.pid();
    first.close();
    ASSERT_EQ(told(3).back(), (Told{Kind::Removed, gone, 1}));
}

TEST_F(ReaderChanges, TellOfAReaderThatIsKilled) {
    RemoteReader reader(tag_);
    const pid_t pid = reader.pid();
    ASSERT_TRUE(attach(reader, writer_));
    ASSERT_EQ(told(1).size(), 1U);
    reader.kill();
    EXPECT_EQ(told(2), (std::vector<Told>{{Kind::Added, pid, 1}, {Kind::Removed, pid, 0}}));
}

TEST_F(ReaderChanges, MissNoneOfManyThatComeAndGoAtOnce) {
    constexpr unsigned many = 40;
    {
        std::vector<Reader> readers;
        for (unsigned i = 0; i < many; ++i)
            readers.emplace_back(tag_);
        for (Reader& reader : readers)
            ASSERT_TRUE(attach(reader));
        ASSERT_TRUE(wait_until([&] { return writer_.stats().readers == many; }));
        ASSERT_EQ(told(many).size(), many);
    }
    const auto all = told(2 * many);
    ASSERT_EQ(all.size(), 2 * many);
    unsigned readers = 0;
    for (const Told& told : all) {
        readers += told.kind == Kind::Added ? 1U : -1U;
        EXPECT_EQ(told.readers, readers);
        EXPECT_EQ(told.pid, ::getpid());
    }
    EXPECT_EQ(readers, 0U);
}

TEST_F(ReaderChanges, TellOfThoseWhoWereThereBefore) {
    RemoteReader reader(tag_);
    ASSERT_TRUE(attach(reader, writer_));
    ASSERT_EQ(told(1).size(), 1U);
    std::vector<Told> again;
    writer_.on_reader_change([&](const ReaderChange& change) {
        again.push_back({change.kind, static_cast<pid_t>(change.pid), change.readers});
    });
    writer_.on_reader_change({});  // nothing is under way any more
    EXPECT_EQ(again, (std::vector<Told>{{Kind::Added, reader.pid(), 1}}));
}

TEST_F(ReaderChanges, CountEachThatComesAndGoes) {
    const pid_t own = ::getpid();
    std::vector<Reader> readers;
    std::vector<Told> expected;
    for (unsigned count = 1; count <= 5; ++count) {
        readers.emplace_back(tag_);
        ASSERT_TRUE(attach(readers.back()));
        expected.push_back({Kind::Added, own, count});
        EXPECT_EQ(told(expected.size()), expected);
        EXPECT_EQ(writer_.stats().readers, count);
    }
    for (unsigned count = 5; count-- > 0;) {
        readers.pop_back();
        expected.push_back({Kind::Removed, own, count});
        EXPECT_EQ(told(expected.size()), expected);
        EXPECT_EQ(writer_.stats().readers, count);
    }
}

TEST_F(ReaderChanges, AreNotToldOnceTheCallsEnded) {
    writer_.on_reader_change({});
    Reader reader(tag_);
    ASSERT_TRUE(attach(reader));
    ASSERT_TRUE(wait_until([&] { return writer_.stats().readers == 1; }));
    writer_.close();
    EXPECT_EQ(told_.size(), 0U);
}

TEST_F(ReaderChanges, EndWithTheWriter) {
    Reader reader(tag_);
    ASSERT_TRUE(attach(reader));
    ASSERT_EQ(told(1).size(), 1U);
    writer_.close();
    EXPECT_EQ(told_.size(), 1U);
}

TEST_F(ReaderChanges, TellReadersApartThatHadTheSamePlace) {
    std::optional<Reader> reader(std::in_place, tag_);
    std::atomic<bool> is_telling = false, go_on = false;
    writer_.on_reader_change([&](const ReaderChange& change) {
        keep(change);
        is_telling = true;
        wait_until([&] { return go_on.load(); });
    });
    ASSERT_TRUE(attach(*reader));
    ASSERT_TRUE(wait_until([&] { return is_telling.load(); }));
    // While nobody looks, one goes and another takes its place.
    reader.reset();
    reader.emplace(tag_);
    ASSERT_TRUE(attach(*reader));
    go_on = true;
    const pid_t own = ::getpid();
    EXPECT_EQ(told(3),
              (std::vector<Told>{{Kind::Added, own, 1}, {Kind::Removed, own, 0}, {Kind::Added, own, 1}}));
}

TEST_F(ReaderChanges, GoOnAfterAnExceptionOfTheApplication) {
    std::atomic<unsigned> calls = 0;
    writer_.on_reader_change([&](const ReaderChange&) {
        ++calls;
        throw std::runtime_error("not caught by the application");
    });
    {
        Reader reader(tag_);
        ASSERT_TRUE(attach(reader));
        ASSERT_TRUE(wait_until([&] { return calls == 1; }));
    }
    ASSERT_TRUE(wait_until([&] { return calls == 2; }));
    Reader reader(tag_);
    ASSERT_TRUE(attach(reader));
    ASSERT_TRUE(wait_until([&] { return calls == 3; }));
    EXPECT_TRUE(wait_until([&] { return writer_.stats().failed_callbacks == 3; }));
    writer_.on_reader_change([](const ReaderChange&) { throw 1; });  // in the call itself, too
    writer_.on_reader_change({});
}

}  // namespace
}  // namespace ndsharray::test
