// SPDX-License-Identifier: BSD-3-Clause
// A reader of a soak run: looks at every element of every frame, and holds some for a while.
#include "commands.hpp"

#include "core_test.hpp"
#include "full_table.hpp"

#include <deque>
#include <memory>
#include <random>

namespace ndsharray::test::soak {
namespace {

constexpr std::uint64_t frames_per_report = 64;
constexpr std::uint64_t number_unknown = std::uint64_t{1} << 63;

ReaderOptions options_of(const std::string& kind) {
    if (kind == "every")
        return in_order(3);
    return with_leases(kind == "copy" ? 0 : 3);
}

class SoakReader {
  public:
    SoakReader(Channel& channel, const Arguments& arguments)
        : commands_(channel),
          random_(std::stoull(arguments.at(1))),
          kind_(arguments.at(2)),
          reader_(arguments.at(0), options_of(kind_)) {
        if (kind_ == "no-entry")
            full_ = std::make_unique<FullTable>(std::filesystem::path(directory()) /
                                                ("ndsh." + arguments.at(0) + ".readers"));
    }

    int run() {
        for (;;) {
            if (Frame frame = reader_.read(20ms))
                look_at(std::move(frame));
            else if (reader_.error().code() != ErrorCode::None)
                commands_.report(std::string("bad: ") + reader_.error().what());
            if (reader_.attached())
                full_.reset();  // it has come to the table and found it full
            if (const auto command = commands_.next(); command && !obey(*command))
                return 0;
        }
    }

  private:
    void look_at(Frame frame) {
        check(frame, "read");
        // Nobody waits for a reader without an entry in the table, which gets copies only. Another reader of
        // this test may keep the table full for a moment. One that joins late has its gap after its last
        // copy.
        const bool awaited = reader_.mode() == ReadMode::Every && reader_.writer_has_backpressure() &&
                             !frame.first_of_writer() && !frame.is_copy() && !last_was_copy_;
        if (awaited && frame.missed() != 0)
            commands_.report("bad: frame " + std::to_string(frame.number()) + " comes after a gap");
        last_was_copy_ = frame.is_copy();
        held_.push_back(std::move(frame));
        while (held_.size() > random_() % 4) {
            check(held_.front(), "held");
            held_.pop_front();
        }
        if (++frames_ % frames_per_report == 0)
            commands_.report("read " + std::to_string(frames_per_report));
    }

    void check(const Frame& frame, const std::string& when) {
        const std::uint64_t key = frame.info().offset;
        const bool its_own = (key & number_unknown) != 0 || key == frame.number();
        if (!its_own || !is_intact(frame))
            commands_.report("bad: frame " + std::to_string(frame.number()) + " is torn when " + when);
    }

    /// \returns false when told to leave.
    bool obey(const std::string& command) {
        if (command != "pause")
            return false;
        take_the_rest();
        commands_.answer();
        for (;;) {
            const std::string next = commands_.await();
            if (next == "measure")
                commands_.answer(" " + measure());
            else
                return next == "resume";
        }
    }

    /// The writer has paused before. Holds nothing when it returns.
    void take_the_rest() {
        held_.clear();
        for (ReadStatus status = ReadStatus::Frame;
             status != ReadStatus::Timeout && status != ReadStatus::Failed;) {
            const Frame frame = reader_.read(0ns);
            status = frame.status();
            if (frame)
                check(frame, "read");
        }
    }

    /// What it has when it is attached and has seen the newest frame.
    std::string measure() {
        wait_until([&] {
            take_the_rest();
            return reader_.attached();
        });
        return to_string(own_resources());
    }

    Commands commands_;
    std::mt19937_64 random_;
    const std::string kind_;
    bool last_was_copy_ = false;
    std::unique_ptr<FullTable> full_;
    Reader reader_;
    std::deque<Frame> held_;
    std::uint64_t frames_ = 0;
};

int run_reader(Channel& channel, const Arguments& arguments) {
    return SoakReader(channel, arguments).run();
}
const RegisteredRole reader_role("soak_reader", run_reader);

}  // namespace
}  // namespace ndsharray::test::soak
