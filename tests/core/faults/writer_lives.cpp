// SPDX-License-Identifier: BSD-3-Clause
// The lives of writers, in which they are killed at every step.
#include "lives.hpp"

#include "faults.hpp"

#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace ndsharray::test {
namespace {

const ArraySpec small = bytes_spec(3000);
const ArraySpec larger = bytes_spec(9000);

WriterOptions few_slots(const std::string& kind) {
    WriterOptions options;
    options.slots = 6;
    options.backpressure = kind == "backpressure";
    options.compat = kind == "compat";
    options.metadata_capacity = 64;
    return options;
}

void wait_for_readers(const Writer& writer, unsigned count) {
    if (!wait_until([&] { return writer.stats().readers >= count; }))
        throw std::runtime_error("the readers did not come");
}

/// Publishes a frame like write_pattern(), but may also die in the middle of filling it.
void publish_in_steps(Writer& writer, WritableFrame frame) {
    const std::span<std::byte> pixels(frame.data(), static_cast<std::size_t>(frame.spec().bytes));
    const FrameInfo info{.offset = writer.stats().published + 1000};
    fill_pattern(pixels.first(pixels.size() / 2), info.offset);
    fault::reached(fault::Point::SlotClaimed);
    fill_pattern(pixels, info.offset);
    const std::byte metadata[8]{};
    if (writer.publish(std::move(frame), info, metadata) == 0)
        throw std::runtime_error("a frame was not published");
}

void publish_pinned(Writer& writer) {
    WritableFrame frame = writer.acquire_pinned(in_time);
    if (!frame)
        return;  // readers hold too many now
    const FrameInfo info{.offset = 7};
    fill_pattern({frame.data(), static_cast<std::size_t>(frame.spec().bytes)}, info.offset);
    if (writer.publish_pinned(frame, info) == 0)
        throw std::runtime_error("a pinned frame was not published");
}

/// Makes every slot ready, which another thread does in its own time otherwise.
void make_ready(Writer& writer) {
    std::vector<WritableFrame> all;
    for (std::uint32_t i = 0; i < writer.stats().slots; ++i)
        all.push_back(writer.acquire(in_time));
}

/// All slots are in our own hands: the last one is waited for until the deadline.
void wait_in_vain(Writer& writer) {
    std::vector<WritableFrame> taken;
    do
        taken.push_back(writer.acquire(1ms));
    while (taken.back());
}

/// Everything a writer does. Arguments: step, point, tag, kind, readers to wait for.
void live_as_writer(Channel& channel, const Arguments& arguments) {
    Writer writer(arguments.at(2), few_slots(arguments.at(3)));
    writer.configure(small);
    writer.wait_for_reader(in_time);
    wait_for_readers(writer, static_cast<unsigned>(std::stoul(arguments.at(4))));
    for (int i = 0; i < 6; ++i)
        publish_in_steps(writer, writer.acquire(in_time));
    ask(channel, "published");
    writer.acquire(in_time).release();
    wait_in_vain(writer);
    publish_pinned(writer);
    writer.acquire_pinned(in_time).release();
    writer.configure(bytes_spec(5000));  // nobody ever sees this one
    writer.configure(larger);
    publish_in_steps(writer, writer.acquire(in_time));
    writer.drain(in_time);
    writer.end_of_stream();
    publish_in_steps(writer, writer.acquire(in_time));
    writer.end_of_stream();
    writer.close();
}
const RegisteredRole writer_role("live_as_writer", live_out<live_as_writer>);

/// What a writer does that comes after a dead one: takes the tag, publishes, leaves.
void live_as_successor(Channel& /*channel*/, const Arguments& arguments) {
    Writer writer(arguments.at(2), few_slots(arguments.at(3)));
    publish_in_steps(writer, writer.acquire(small, in_time));
    writer.close();
}
const RegisteredRole successor_role("live_as_successor", live_out<live_as_successor>);

/// Claims a slot that a reader takes just then.
void live_as_refused_writer(Channel& channel, const Arguments& arguments) {
    Writer writer(arguments.at(2), few_slots("plain"));
    writer.configure(small);
    make_ready(writer);
    ask(channel, "attach");
    for (int i = 0; i < 6; ++i)  // frame 1 goes to the reader, the others wait for it
        publish_in_steps(writer, writer.acquire(in_time));
    ask(channel, "read");
    for (int i = 0; i < 3; ++i) {  // from the second on, the oldest frame is the one the reader takes
        when_reached(fault::Point::SlotChosen, [&] { ask(channel, "hold"); });
        publish_in_steps(writer, writer.acquire(in_time));
    }
    writer.close();
}
const RegisteredRole refused_writer_role("live_as_refused_writer", live_out<live_as_refused_writer>);

void serve_nothing(const std::string&) {}

void expect_successor_goes_on(Stage& stage, const WriterOptions& options) {
    Writer writer(stage.tag(), options);
    stage.expect_nobody_waits();
    stage.expect_goes_on(writer);
    Stage::expect_no_slot_lost(writer);
    writer.close();
    stage.expect_no_files();
}

}  // namespace

Outcome kill_writer(Stage& stage, const std::string& kind, const std::string& successor) {
    return die_at_each_step({
        .name = "writer (" + kind + ", then " + successor + ")",
        .prepare = [] {},
        .live =
            [&](const Moment& death) {
                return live("live_as_writer", death, {stage.tag(), kind, "2"}, serve_nothing);
            },
        .check = [&] { expect_successor_goes_on(stage, few_slots(successor)); },
    });
}

Outcome kill_refused_writer(Stage& stage) {
    std::optional<RemoteReader> reader;
    const auto serve = [&](const std::string& request) {
        if (request == "attach")
            reader->read(0ms);
        else if (request == "read")
            reader->read();
        else if (request == "hold")
            reader->hold();
    };
    return die_at_each_step({
        .name = "writer that is refused a slot",
        .prepare = [&] { reader.emplace(stage.tag(), in_order(4)); },
        .live =
            [&](const Moment& death) { return live("live_as_refused_writer", death, {stage.tag()}, serve); },
        .check =
            [&] {
                require(reader->held_are_intact(), "a held frame changed");
                reader.reset();
                expect_successor_goes_on(stage, few_slots("plain"));
            },
    });
}

Outcome kill_successor(Stage& stage, fault::Point death, unsigned n, const std::string& kind) {
    std::optional<RemoteReader> reader;
    const auto hold = [&](const std::string&) { reader->hold(); };
    return die_at_each_step({
        .name = "writer after one that died at " + test::name(death),
        .prepare =
            [&] {
                reader.emplace(stage.tag());
                live_until(death, n, "live_as_writer", {stage.tag(), kind, "2"}, hold);
                reader->kill();  // it leaves an entry with a lease, if the writer came that far
            },
        .live =
            [&](const Moment& death) {
                return live("live_as_successor", death, {stage.tag(), kind}, serve_nothing);
            },
        .check = [&] { expect_successor_goes_on(stage, few_slots(kind)); },
    });
}

}  // namespace ndsharray::test
