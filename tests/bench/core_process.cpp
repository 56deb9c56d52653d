// SPDX-License-Identifier: BSD-3-Clause
// The library without GStreamer: one process with a Writer, others with a Reader.
#include <support/child_process.hpp>

#include <ndsharray/ndsharray.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "frame_log.hpp"
#include "plain_process.hpp"
#include "plan.hpp"
#include "stamp.hpp"

namespace ndsharray::bench {
namespace {

using test::Arguments;
using test::Channel;

constexpr const char* tag = "bench";

void push_frame(Writer& writer, const SourcePlan& plan, Stamp stamp) {
    WritableFrame frame = writer.acquire();
    if (!frame)
        return;
    const std::span<std::byte> bytes(frame.data(), plan.bytes);
    if (plan.every_byte)
        fill(bytes, stamp.index);
    stamp.pushed = now();
    write_stamp(bytes, stamp);
    writer.publish(std::move(frame));
}

void take_frames(const std::stop_token& stop, Reader& reader, const SinkPlan& plan, FrameLog& log) {
    while (!stop.stop_requested()) {
        const Frame frame = reader.read();
        if (!frame)
            continue;
        const std::int64_t arrival = now();
        log.look_at({frame.data(), plan.bytes}, arrival, plan);
    }
}

int run_writer(Channel& channel, const Arguments& arguments) {
    const ProcessPlan plan = plan_of(arguments);
    WriterOptions options;
    options.backpressure = plan.lossless;
    Writer writer(tag, options);
    const std::uint64_t shape[] = {plan.source.bytes};
    writer.configure(ArraySpec::contiguous(DType::UInt8, shape));
    return run_plain_producer(channel, plan.source,
                              [&](Stamp stamp) { push_frame(writer, plan.source, stamp); });
}

int run_reader(Channel& channel, const Arguments& arguments) {
    const ProcessPlan plan = plan_of(arguments);
    ReaderOptions options;
    options.mode = plan.lossless ? ReadMode::Every : ReadMode::Latest;
    Reader reader(tag, options);
    FrameLog log(notify_over(channel));
    return run_plain_consumer(
        channel, [&](const std::stop_token& stop) { take_frames(stop, reader, plan.sink, log); },
        [&] { reader.cancel(); });
}

const test::RegisteredRole writer_role("core-writer", run_writer);
const test::RegisteredRole reader_role("core-reader", run_reader);

}  // namespace
}  // namespace ndsharray::bench
