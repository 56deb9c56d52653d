// SPDX-License-Identifier: BSD-3-Clause
// The writer of a soak run: publishes as fast as it can, in layouts that change, until it is killed or told.
#include "commands.hpp"

#include "core_test.hpp"

#include <random>

namespace ndsharray::test::soak {
namespace {

constexpr std::uint64_t frames_per_report = 64;
constexpr std::uint64_t largest_frame = 40'000;

/// The number of a writer's first frame depends on its predecessor: it is known when it is published.
constexpr std::uint64_t number_unknown = std::uint64_t{1} << 63;

class SoakWriter {
  public:
    SoakWriter(Channel& channel, const Arguments& arguments)
        : commands_(channel), random_(std::stoull(arguments.at(1))), writer_(arguments.at(0), options()) {}

    int run() {
        change_layout();
        for (;;) {
            publish();
            if (reported_ == frames_per_report && !report())
                return 0;
        }
    }

  private:
    std::uint64_t up_to(std::uint64_t most) {
        return std::uniform_int_distribution<std::uint64_t>(1, most)(random_);
    }

    WriterOptions options() {
        WriterOptions chosen;
        chosen.slots = static_cast<unsigned>(3 + up_to(6));
        chosen.backpressure = up_to(2) == 1;
        return chosen;
    }

    void change_layout() {
        spec_ = bytes_spec(up_to(largest_frame));
        frames_in_layout_ = up_to(400);
        writer_.configure(spec_);
    }

    void publish() {
        ++reported_;
        if (frames_in_layout_-- == 0)
            change_layout();
        WritableFrame frame = writer_.acquire(100ms);
        if (!frame) {
            reported_ = frames_per_report;  // readers hold them all for now: it may be that they pause
            return;
        }
        const std::uint64_t expected = last_ == 0 ? number_unknown | random_() : last_ + 1;
        fill_pattern({frame.data(), static_cast<std::size_t>(spec_.bytes)}, expected);
        const std::uint64_t number = writer_.publish(std::move(frame), {.offset = expected});
        if (last_ != 0 && number != expected)
            commands_.report("bad: published " + std::to_string(number) + " instead of " +
                             std::to_string(expected));
        last_ = number;
        ++published_;
    }

    /// \returns false when told to leave.
    bool report() {
        commands_.report("frames " + std::to_string(std::exchange(published_, 0)));
        reported_ = 0;
        const auto command = commands_.next();
        if (!command)
            return true;
        if (*command != "pause")
            return false;
        commands_.answer();
        for (;;) {
            const std::string next = commands_.await();
            if (next == "resume")
                return true;
            if (next == "slots")
                commands_.answer(take_all_slots() ? " all" : " not all");
            else if (next == "measure")
                commands_.answer(" " + to_string(own_resources()));
            else
                return false;
        }
    }

    /// With no reader that holds one.
    bool take_all_slots() {
        return wait_until([&] {
            std::vector<WritableFrame> taken;
            while (taken.size() < writer_.stats().slots - 1) {
                taken.push_back(writer_.acquire(0ns));
                if (!taken.back())
                    return false;
            }
            return true;
        });
    }

    Commands commands_;
    std::mt19937_64 random_;
    Writer writer_;
    ArraySpec spec_;
    std::uint64_t frames_in_layout_ = 0;
    std::uint64_t last_ = 0;
    std::uint64_t published_ = 0;
    std::uint64_t reported_ = 0;
};

int run_writer(Channel& channel, const Arguments& arguments) {
    return SoakWriter(channel, arguments).run();
}
const RegisteredRole writer_role("soak_writer", run_writer);

}  // namespace
}  // namespace ndsharray::test::soak
