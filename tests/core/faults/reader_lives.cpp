// SPDX-License-Identifier: BSD-3-Clause
// The lives of readers, in which they are killed at every step.
#include "lives.hpp"

#include "faults.hpp"

#include "full_table.hpp"

#include <optional>
#include <sstream>

namespace ndsharray::test {
namespace {

const ArraySpec small = bytes_spec(3000);

ReaderOptions options_of(const std::string& kind) {
    const bool every = kind == "every" || kind == "backpressure";
    return reading(every ? ReadMode::Every : ReadMode::Latest, kind == "copy" ? 0 : 2);
}

Frame read_intact(Reader& reader) {
    Frame frame = reader.read(in_time);
    while (!frame && frame.status() != ReadStatus::Timeout)
        frame = reader.read(in_time);
    if (!frame || !is_intact(frame))
        throw std::runtime_error("got no frame, or one that is not whole");
    return frame;
}

/// Everything a reader does. Arguments: step, point, tag, kind.
void live_as_reader(Channel& channel, const Arguments& arguments) {
    Reader reader(arguments.at(2), options_of(arguments.at(3)));
    reader.suspend(true);
    reader.read(0ns);
    reader.suspend(false);
    ask(channel, "write 1");
    Frame first = read_intact(reader);
    ask(channel, "write 1");
    const Frame second = read_intact(reader);
    ask(channel, "write 1");
    const Frame copy = read_intact(reader);
    first.release();
    ask(channel, "change");
    const Frame after_change = read_intact(reader);
    ask(channel, "write 2");
    read_intact(reader);
    reader.suspend(true);
    ask(channel, "write 5");
    reader.suspend(false);
    ask(channel, "restart");
    read_intact(reader);
    while (reader.read(0ns).status() != ReadStatus::Timeout) {  // until it would have to wait
    }
}
const RegisteredRole reader_role("live_as_reader", live_out<live_as_reader>);

/// Leases a slot that the writer takes just then.
void live_as_refused_reader(Channel& channel, const Arguments& arguments) {
    Reader reader(arguments.at(2), options_of(arguments.at(3)));
    ask(channel, "write 1");
    for (int i = 0; i < 4; ++i) {
        when_reached(fault::Point::FrameToBeLeased, [&] { ask(channel, "write 8"); });
        read_intact(reader);
        ask(channel, "write 1");
    }
}
const RegisteredRole refused_reader_role("live_as_refused_reader", live_out<live_as_refused_reader>);

/// The writer that readers die at: it lives in the test, through all deaths.
class SurvivingWriter {
  public:
    SurvivingWriter(std::string tag, bool backpressure) : tag_(std::move(tag)) {
        options_.slots = 6;
        options_.backpressure = backpressure;
        restart();
    }

    Writer& writer() { return *writer_; }

    /// Does what a reader's life asks for.
    void serve(const std::string& request) {
        std::istringstream words(request);
        std::string what;
        unsigned count = 1;
        words >> what >> count;
        if (what == "change")
            spec_ = bytes_spec(spec_.bytes % 4000 + 1);
        else if (what == "restart")
            restart();
        for (unsigned i = 0; i < count; ++i)
            Stage::publish(*writer_, spec_);
    }

  private:
    void restart() {
        writer_.reset();
        writer_.emplace(tag_, options_);
        writer_->configure(spec_);
    }

    std::string tag_;
    WriterOptions options_;
    ArraySpec spec_ = small;
    std::optional<Writer> writer_;
};

constexpr unsigned followers = 2;

/// What must hold for a writer and the other readers after a reader's death.
void expect_writer_goes_on(Stage& stage, SurvivingWriter& surviving) {
    Writer& writer = surviving.writer();
    stage.expect_goes_on(writer);
    for (int i = 0; i < 10; ++i)  // with backpressure, a dead reader's cursor would hold it
        surviving.serve("write 1");
    require(wait_until([&] { return writer.stats().readers == followers; }),
            "a dead reader is still counted");
    Stage::expect_no_slot_lost(writer);
}

Outcome kill_reader_of(SurvivingWriter& surviving, Stage& stage, Life life) {
    life.check = [&] { expect_writer_goes_on(stage, surviving); };
    Outcome outcome = die_at_each_step(life);
    if (!outcome.failures.empty())
        return outcome;
    surviving.writer().close();
    try {
        stage.expect_no_files();
    } catch (const std::exception& error) {
        outcome.failures.emplace_back(error.what());
    }
    return outcome;
}

}  // namespace

Outcome kill_reader(Stage& stage, const std::string& kind) {
    SurvivingWriter surviving(stage.tag(), kind == "backpressure");
    const auto serve = [&](const std::string& request) { surviving.serve(request); };
    std::optional<FullTable> full;
    return kill_reader_of(
        surviving, stage,
        {
            .name = "reader (" + kind + ")",
            .prepare = [&] { stage.expect_goes_on(surviving.writer()); },
            .live =
                [&](const Moment& death) {
                    if (kind == "no entry")
                        full.emplace(stage.file(".readers"));
                    Ending ending = live("live_as_reader", death, {stage.tag(), kind}, serve);
                    full.reset();
                    return ending;
                },
            .check = {},
        });
}

Outcome kill_refused_reader(Stage& stage) {
    SurvivingWriter surviving(stage.tag(), false);
    const auto serve = [&](const std::string& request) { surviving.serve(request); };
    return kill_reader_of(
        surviving, stage,
        {
            .name = "reader that is refused a slot",
            .prepare = [&] { stage.expect_goes_on(surviving.writer()); },
            .live =
                [&](const Moment& death) {
                    return live("live_as_refused_reader", death, {stage.tag(), "latest"}, serve);
                },
            .check = {},
        });
}

}  // namespace ndsharray::test
