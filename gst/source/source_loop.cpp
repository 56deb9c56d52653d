// SPDX-License-Identifier: BSD-3-Clause
// The loop of ndshsrc. It waits for a frame as the properties say, and makes the next buffer to push.
#include "source/source_loop.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "errors.hpp"
#include "prefetch.hpp"
#include "time/pipeline_clock.hpp"

GST_DEBUG_CATEGORY_EXTERN(ndshsrc_debug);
#define GST_CAT_DEFAULT ndshsrc_debug

namespace ndsharray::gst {
namespace {

/// Another buffer over the same memory. gst_buffer_copy() does not fit: from GStreamer 1.24 on, its copy
/// holds the first buffer.
GstBuffer* twin_of(GstBuffer* buffer) {
    GstBuffer* twin = gst_buffer_new();
    for (guint i = 0; i < gst_buffer_n_memory(buffer); ++i) {
        gst_buffer_append_memory(twin, gst_memory_ref(gst_buffer_peek_memory(buffer, i)));
    }
    constexpr int all = GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS | GST_BUFFER_COPY_META;
    gst_buffer_copy_into(twin, buffer, static_cast<GstBufferCopyFlags>(all), 0, G_MAXSIZE);
    return twin;
}

/// Time until `instant`. Nothing means for ever.
std::optional<std::chrono::nanoseconds> until(std::optional<std::int64_t> instant) {
    if (!instant) {
        return std::nullopt;
    }
    return std::chrono::nanoseconds(std::max<std::int64_t>(*instant - monotonic_now(), 0));
}

}  // namespace

SourceLoop::SourceLoop(GstBaseSrc* src, SharedSettings& settings, TagReader& reader)
    : src_(src), settings_(settings), reader_(reader), builder_(src, kept_, continuity_), qos_(src) {}

void SourceLoop::restart() {
    kept_.restart();
    waiting_since_.reset();
    may_be_in_the_way_ = true;
    builder_.restart();
    continuity_.restart();
    skipped_ = 0;
    age_at_arrival_ = 0;
}

void SourceLoop::stop() {
    kept_.forget();
    unsent_.reset();
    qos_.restart();
}

SrcStats SourceLoop::stats() const {
    ReaderStats stats = reader_.stats();
    const std::uint64_t skipped = skipped_;
    stats.frames -= std::min(skipped, stats.frames);
    stats.missed += skipped;
    return {std::move(stats), builder_.copied(), builder_.dropped_metas(), age_at_arrival_, kept_.repeated()};
}

SourceLoop::Result SourceLoop::next() {
    if (unsent_ && continuity_.has_resumed() && !is_lossless()) {
        GST_DEBUG_OBJECT(src_, "skipping a frame that did not pass the pad before the pause");
        unsent_.reset();
        skip();
    }
    if (unsent_) {
        return {GST_FLOW_OK, Owned<GstBuffer>(gst_buffer_ref(unsent_.get()))};
    }
    for (;;) {
        Waited result = wait();
        if (result.flow != GST_FLOW_OK) {
            return {result.flow, nullptr};
        }
        if (result.keepalive) {
            GST_DEBUG_OBJECT(src_, "no frame came, repeating the last one");
            return {GST_FLOW_OK, builder_.repeat(*result.keepalive)};
        }
        note_arrival(result.frame);
        if (!is_to_be_skipped(result.frame)) {
            return deliver(std::move(result.frame));
        }
    }
}

bool SourceLoop::is_to_be_skipped(const Frame& frame) {
    if (continuity_.is_of_pause(frame, is_lossless())) {
        GST_DEBUG_OBJECT(src_, "skipping frame %" G_GUINT64_FORMAT ": it was published during a pause",
                         guint64{frame.number()});
        skip();
        return true;
    }
    // Python programs may write an array without elements before they have a picture. No caps are sent for
    // it.
    if (builder_.has_caps_of(frame) || frame.spec().size() > 0) {
        return false;
    }
    GST_DEBUG_OBJECT(src_, "skipping frame %" G_GUINT64_FORMAT ": it has no elements",
                     guint64{frame.number()});
    return true;
}

/// Returns with a frame, or with the reason why there will be none. Posts an ERROR message if the reason is
/// an error.
SourceLoop::Waited SourceLoop::wait() {
    for (;;) {
        policy_ = settings_.policy();
        if (!policy_.keepalive) {
            kept_.forget();
        }
        const auto end = timeout_at();
        const auto repeat = kept_.due(policy_.keepalive);
        tell_of_obstacle();
        const bool repeats_first = repeat && (!end || *repeat < *end);
        Frame frame = reader_.read(until(repeats_first ? repeat : end));
        prefetch_way();
        if (!frame && frame.status() == ReadStatus::Timeout && repeats_first) {
            return {GST_FLOW_OK, {}, policy_.keepalive};
        }
        waiting_since_.reset();
        if (frame) {
            return {GST_FLOW_OK, std::move(frame), {}};
        }
        kept_.leave_shared_memory();  // the next writer may need this memory, and may come at any time
        const GstFlowReturn flow = without_frame(frame.status());
        if (flow != GST_FLOW_OK) {
            return {flow, {}, {}};
        }
    }
}

/// Asks for what a buffer touches on its way to the pad and through it.
void SourceLoop::prefetch_way() {
    GstPad* pad = GST_BASE_SRC_PAD(src_);
    prefetch(src_);
    prefetch(this);
    builder_.prefetch_pool();
    prefetch(pad);
    prefetch(GST_PAD_PEER(pad));  // its address alone: it may go at any time
}

/// Posts a warning at the start, and when a writer has left, if no writer can come.
void SourceLoop::tell_of_obstacle() {
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

/// The instant at which `on-disconnect` applies. Nothing means never.
std::optional<std::int64_t> SourceLoop::timeout_at() {
    if (!waiting_since_) {
        waiting_since_ = monotonic_now();
    }
    std::int64_t end = 0;
    if (!policy_.timeout || __builtin_add_overflow(*waiting_since_, policy_.timeout->count(), &end)) {
        return std::nullopt;
    }
    return end;
}

/// The flow return if read() brought no frame. GST_FLOW_OK means to go on waiting.
GstFlowReturn SourceLoop::without_frame(ReadStatus status) {
    switch (status) {
        case ReadStatus::Frame:
            break;
        case ReadStatus::Timeout:
        case ReadStatus::Disconnected:
            may_be_in_the_way_ = true;
            return disconnected(status);
        case ReadStatus::EndOfStream:
            GST_INFO_OBJECT(src_, "the writer's stream ended");
            return policy_.on_eos == OnEos::Eos ? GST_FLOW_EOS : GST_FLOW_OK;
        case ReadStatus::Cancelled:
            return interrupted();
        case ReadStatus::Failed:
            post_error(GST_ELEMENT(src_), reader_.error(), reader_.tag());
            return GST_FLOW_ERROR;
    }
    return GST_FLOW_OK;
}

GstFlowReturn SourceLoop::disconnected(ReadStatus status) {
    const char* what = status == ReadStatus::Timeout ? "no frame came within the timeout" : "the writer left";
    switch (policy_.on_disconnect) {
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

/// The source was stopped, flushed or paused, or has another tag, or has other settings for the wait.
GstFlowReturn SourceLoop::interrupted() {
    return reader_.unlocked() ? GST_FLOW_FLUSHING : gst_base_src_wait_playing(src_);
}

void SourceLoop::note_arrival(const Frame& frame) {
    const std::int64_t arrived = monotonic_now();
    if (frame.first_of_writer()) {
        writer_has_backpressure_ = reader_.writer_has_backpressure();
        GST_INFO_OBJECT(src_, "first frame of a writer, in %s", frame.segment_name().c_str());
    }
    continuity_.note(frame, is_lossless());
    builder_.note(frame, arrived);
    if (frame.missed() > 0) {
        qos_.frames_are_missing();
    }
    age_at_arrival_.store(static_cast<std::uint64_t>(frame.age().count()), std::memory_order_relaxed);
    log(frame);
}

void SourceLoop::log(const Frame& frame) {
    if (frame.missed() > 0) {
        GST_DEBUG_OBJECT(src_, "missed %" G_GUINT64_FORMAT " frames", frame.missed());
    }
    if (frame.is_copy()) {
        GST_DEBUG_OBJECT(src_,
                         "frame %" G_GUINT64_FORMAT
                         " is a copy: too many frames are held, or leases "
                         "are not permitted",
                         frame.number());
    }
    GST_LOG_OBJECT(src_, "frame %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT " ns old", frame.number(),
                   guint64{age_at_arrival_.load(std::memory_order_relaxed)});
}

/// A live source does not send frames that were published during a pause.
void SourceLoop::skip() {
    continuity_.skip();
    ++skipped_;
    qos_.frames_are_missing();
}

/// Whether the writer waits for this reader.
bool SourceLoop::is_lossless() const {
    return writer_has_backpressure_ && reader_.mode() == ReadMode::Every;
}

TimestampMode SourceLoop::timestamp_mode() const {
    const TimestampMode mode = policy_.timestamps;
    if (mode != TimestampMode::Auto) {
        return mode;
    }
    return writer_has_backpressure_ ? TimestampMode::Stream : TimestampMode::Clock;
}

SourceLoop::Result SourceLoop::deliver(Frame&& frame) {
    if (!builder_.has_caps_of(frame)) {
        const auto caps =
            settings_.with([](const SrcSettings& settings) { return share(settings.caps.get()); });
        const GstFlowReturn flow = builder_.send_caps(frame, caps.get());
        if (flow != GST_FLOW_OK) {
            return {flow, nullptr};
        }
    }
    Owned<GstBuffer> buffer = builder_.buffer(std::move(frame), timestamp_mode(), is_lossless());
    if (!buffer) {
        return {GST_FLOW_ERROR, nullptr};
    }
    note_delivery(buffer.get());
    return {GST_FLOW_OK, std::move(buffer)};
}

void SourceLoop::sent() {
    unsent_.reset();
    continuity_.sent();
}

/// Keeps the buffer if it may be repeated or sent later, and reports missing frames.
void SourceLoop::note_delivery(GstBuffer* buffer) {
    if (reader_.mode() == ReadMode::Every) {
        // The base class sets DISCONT on the first buffer. If the buffer had another owner, the base class
        // would copy it, and would lose the metas that cannot be copied.
        unsent_.reset(builder_.is_first() ? twin_of(buffer) : gst_buffer_ref(buffer));
    }
    if (policy_.keepalive) {
        kept_.keep(buffer);
    }
    if (qos_.is_due()) {
        const ReaderStats stats = reader_.stats();
        qos_.post(buffer, stats.frames - skipped_, stats.missed + skipped_);
    }
}

}  // namespace ndsharray::gst
