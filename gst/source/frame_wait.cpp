// SPDX-License-Identifier: BSD-3-Clause
// Waiting for the next frame as the properties of ndshsrc say: for how long, and what the writer's end means.
#include "source/frame_wait.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "errors.hpp"
#include "time/frame_time.hpp"

GST_DEBUG_CATEGORY_EXTERN(ndshsrc_debug);
#define GST_CAT_DEFAULT ndshsrc_debug

namespace ndsharray::gst {
namespace {

/// What is left until `instant`; nothing for ever.
std::optional<std::chrono::nanoseconds> until(std::optional<std::int64_t> instant) {
    if (!instant) {
        return std::nullopt;
    }
    return std::chrono::nanoseconds(std::max<std::int64_t>(*instant - monotonic_now(), 0));
}

}  // namespace

FrameWait::FrameWait(GstBaseSrc* src, const SharedSettings& settings, TagReader& reader, KeptFrame& kept)
    : src_(src), settings_(settings), reader_(reader), kept_(kept) {}

FrameWait::Result FrameWait::next() {
    for (;;) {
        const SrcPolicy policy = settings_.policy();
        if (!policy.keepalive) {
            kept_.forget();
        }
        const auto end = timeout_at(policy);
        const auto repeat = kept_.due(policy.keepalive);
        tell_of_obstacle();
        const bool repeats_first = repeat && (!end || *repeat < *end);
        Frame frame = reader_.read(until(repeats_first ? repeat : end));
        if (!frame && frame.status() == ReadStatus::Timeout && repeats_first) {
            return {GST_FLOW_OK, {}, policy.keepalive};
        }
        since_.reset();
        if (frame) {
            return {GST_FLOW_OK, std::move(frame), {}};
        }
        kept_.leave_shared_memory();  // which the next writer may need, and nobody knows for how long
        const GstFlowReturn flow = without_frame(policy, frame.status());
        if (flow != GST_FLOW_OK) {
            return {flow, {}, {}};
        }
    }
}

/// At the start and after a writer: who waits for a writer that cannot come is told so.
void FrameWait::tell_of_obstacle() {
    if (!std::exchange(may_be_in_the_way_, false)) {
        return;
    }
    const Error obstacle = reader_.obstacle();
    if (obstacle.code() != ErrorCode::None) {
        GST_ELEMENT_WARNING(src_, RESOURCE, NOT_FOUND,
                            ("Waiting for tag \"%s\": %s.", reader_.tag().c_str(), obstacle.what()),
                            ("frames come once the directory is there and has a writer's files"));
    }
}

/// When `on-disconnect` applies; nothing for never.
std::optional<std::int64_t> FrameWait::timeout_at(const SrcPolicy& policy) {
    if (!since_) {
        since_ = monotonic_now();
    }
    std::int64_t end = 0;
    if (!policy.timeout || __builtin_add_overflow(*since_, policy.timeout->count(), &end)) {
        return std::nullopt;
    }
    return end;
}

/// What a read() that brought no frame leads to; GST_FLOW_OK means to go on waiting.
GstFlowReturn FrameWait::without_frame(const SrcPolicy& policy, ReadStatus status) {
    switch (status) {
        case ReadStatus::Frame:
            break;
        case ReadStatus::Timeout:
        case ReadStatus::Disconnected:
            may_be_in_the_way_ = true;
            return disconnected(policy.on_disconnect, status);
        case ReadStatus::EndOfStream:
            GST_INFO_OBJECT(src_, "the writer's stream ended");
            return policy.on_eos == OnEos::Eos ? GST_FLOW_EOS : GST_FLOW_OK;
        case ReadStatus::Cancelled:
            return interrupted();
        case ReadStatus::Failed:
            post_error(GST_ELEMENT(src_), reader_.error(), reader_.tag());
            return GST_FLOW_ERROR;
    }
    return GST_FLOW_OK;
}

GstFlowReturn FrameWait::disconnected(OnDisconnect policy, ReadStatus status) {
    const char* what = status == ReadStatus::Timeout ? "no frame came within the timeout" : "the writer left";
    switch (policy) {
        case OnDisconnect::Wait:
            GST_INFO_OBJECT(src_, "%s, waiting", what);
            return GST_FLOW_OK;
        case OnDisconnect::Eos:
            GST_INFO_OBJECT(src_, "%s, ending the stream", what);
            return GST_FLOW_EOS;
        case OnDisconnect::Error:
            break;
    }
    GST_ELEMENT_ERROR(src_, RESOURCE, READ, ("Reading tag \"%s\" ended: %s.", reader_.tag().c_str(), what),
                      ("on-disconnect=error, %s", std::string(name(status)).c_str()));
    return GST_FLOW_ERROR;
}

/// Stopped, flushed or paused; or there is another tag, or another setting to be waited by.
GstFlowReturn FrameWait::interrupted() {
    return reader_.unlocked() ? GST_FLOW_FLUSHING : gst_base_src_wait_playing(src_);
}

}  // namespace ndsharray::gst
