// SPDX-License-Identifier: BSD-3-Clause
// What a consumer notes about the frames that arrive.
#include "frame_log.hpp"

#include <utility>

namespace ndsharray::bench {
namespace {

constexpr std::size_t most_caps_changes = 1000;

}  // namespace

FrameLog::FrameLog(Notify notify) : notify_(std::move(notify)) {
    caps_to_new_frame_.reserve(most_caps_changes);
}

void FrameLog::add(const Stamp& stamp, std::int64_t arrival, bool is_whole) {
    if (!std::exchange(any_arrived_, true))
        notify_({event::arrived, {}, {}});
    const bool is_over = window_.enter(stamp.phase);
    if (window_.count()) {
        latencies_.record(arrival - stamp.pushed);
        note_caps(stamp, arrival);
        torn_ += is_whole ? 0 : 1;
    }
    if (is_over)
        notify_({event::taken, {}, result()});
}

void FrameLog::look_at(std::span<const std::byte> frame, std::int64_t arrival, const SinkPlan& plan) {
    const Stamp stamp = read_stamp(frame);
    bool is_whole = stamp.magic == Stamp::right_magic;
    if (plan.every_byte) {
        const bool is_expected = is_filled(frame, stamp.index);
        is_whole = is_whole && (is_expected || !plan.filled);
    }
    add(stamp, arrival, is_whole);
}

void FrameLog::note_caps(const Stamp& stamp, std::int64_t arrival) {
    if (std::exchange(caps_number_, stamp.caps_number) != stamp.caps_number &&
        caps_to_new_frame_.size() < most_caps_changes)
        caps_to_new_frame_.push_back(arrival - stamp.caps_changed);
}

SideResult FrameLog::result() const {
    SideResult result = window_.result();
    result.torn = torn_;
    result.latencies.assign(latencies_.sample().begin(), latencies_.sample().end());
    result.greatest_latency = latencies_.greatest();
    result.caps_to_new_frame = caps_to_new_frame_;
    return result;
}

}  // namespace ndsharray::bench
