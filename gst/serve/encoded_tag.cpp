// SPDX-License-Identifier: BSD-3-Clause
// The frames of one tag, encoded once for all who look: over RTSP and WebRTC.
#include "serve/encoded_tag.hpp"

#include <gst/app/gstappsink.h>
#include <gst/video/video.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "serve/main_loop.hpp"

namespace ndsharray::serve {
namespace {

/// The last frame is encoded again where none comes for so long: a viewer who begins then sees something.
constexpr guint64 keepalive = 200 * GST_MSECOND;

/// Key frames that are asked for are so far apart: a crowd that comes does not make each frame one.
constexpr GstClockTime between_key_frames = 200 * GST_MSECOND;

constexpr unsigned milliseconds_before_restart = 300;

/// What is encoded where --size does not say otherwise.
constexpr unsigned most_width = 1920;
constexpr unsigned most_height = 1080;
constexpr unsigned least_side = 64;

unsigned even(double side) {
    return std::max(least_side, 2 * static_cast<unsigned>(side / 2 + 0.5));
}

std::pair<unsigned, unsigned> size_for(const Look& look, const EncoderOptions& options) {
    if (options.width != 0)
        return {options.width, options.height};
    const double scale = std::min(
        {1.0, static_cast<double>(most_width) / look.width, static_cast<double>(most_height) / look.height});
    return {even(look.width * scale), even(look.height * scale)};
}

/// Which pipeline of which EncodedTag.
struct Life {
    std::weak_ptr<EncodedTag> tag;
    unsigned number;
};

/// Encoders have segments of their own, of x264enc they begin at 1000 hours.
gst::Owned<GstSample> with_running_time(GstSample* sample) {
    const gst::Owned<GstBuffer> buffer(gst_buffer_copy(gst_sample_get_buffer(sample)));
    GST_BUFFER_PTS(buffer.get()) = gst_segment_to_running_time(gst_sample_get_segment(sample),
                                                               GST_FORMAT_TIME, GST_BUFFER_PTS(buffer.get()));
    GST_BUFFER_DTS(buffer.get()) = GST_BUFFER_PTS(buffer.get());
    return gst::Owned<GstSample>(gst_sample_new(buffer.get(), gst_sample_get_caps(sample), nullptr, nullptr));
}

GstElement* element(GstObject* pipeline, const char* name) {
    return gst_bin_get_by_name(GST_BIN(pipeline), name);
}

}  // namespace

// --------------------------------------------------------------------------------------------- subscription

EncodedTag::Subscription::Subscription(std::shared_ptr<EncodedTag> tag, Take take)
    : tag_(std::move(tag)), take_(std::move(take)) {
    const std::lock_guard lock(tag_->mutex_);
    tag_->subscriptions_.push_back(this);
}

EncodedTag::Subscription::~Subscription() {
    const std::lock_guard lock(tag_->mutex_);
    tag_->subscriptions_.remove(this);
}

std::unique_ptr<EncodedTag::Subscription> EncodedTag::subscribe(Take take) {
    auto subscription = std::make_unique<Subscription>(shared_from_this(), std::move(take));
    request_key_frame();
    return subscription;
}

void EncodedTag::send(GstSample* sample) {
    const bool is_key_frame =
        !GST_BUFFER_FLAG_IS_SET(gst_sample_get_buffer(sample), GST_BUFFER_FLAG_DELTA_UNIT);
    const std::lock_guard lock(mutex_);
    if (is_key_frame)
        wants_key_frame_ = false;
    for (Subscription* subscription : subscriptions_) {
        if (is_key_frame || !subscription->waits_for_key_frame_)
            subscription->waits_for_key_frame_ = !subscription->take_(sample);
    }
}

// ------------------------------------------------------------------------------------------------- pipeline

EncodedTag::EncodedTag(std::string tag, std::string owner, const Encoder& encoder,
                       const EncoderOptions& options, const Look& look)
    : tag_(std::move(tag)),
      owner_(std::move(owner)),
      encoder_(encoder),
      fps_(options.fps),
      is_video_(look.is_video),
      clock_(GST_OBJECT(gst_system_clock_obtain())) {
    std::tie(width_, height_) = size_for(look, options);
    base_time_ = gst_clock_get_time(GST_CLOCK(clock_.get()));
}

EncodedTag::~EncodedTag() {
    stop();
}

void EncodedTag::stop() {
    if (!pipeline_)
        return;
    gst_element_set_state(GST_ELEMENT(pipeline_.get()), GST_STATE_NULL);
    arrays_.reset();
    pipeline_.reset();
}

void EncodedTag::play() {
    const std::string text =
        std::string(is_video_ ? "ndshsrc timestamps=arrival on-disconnect=wait on-eos=wait"
                              : "appsrc format=time is-live=true do-timestamp=true max-buffers=1 "
                                "leaky-type=downstream") +
        " name=source ! videoconvert ! videoscale add-borders=true ! " + encoder_.launch(width_, height_) +
        " ! appsink name=sink sync=false max-buffers=1";
    GError* error = nullptr;
    GstElement* made = gst_parse_launch_full(text.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error);
    if (made == nullptr) {
        const std::string sentence = error->message;
        g_error_free(error);
        throw std::runtime_error(sentence);
    }
    pipeline_.reset(GST_OBJECT(gst_object_ref_sink(made)));
    gst_pipeline_use_clock(GST_PIPELINE(made), GST_CLOCK(clock_.get()));
    // Running time goes on over restarts.
    gst_element_set_start_time(made, GST_CLOCK_TIME_NONE);
    gst_element_set_base_time(made, base_time_);

    const gst::Owned<GstObject> bus(GST_OBJECT(gst_element_get_bus(made)));
    gst_bus_set_sync_handler(GST_BUS(bus.get()), heard,
                             std::make_unique<Life>(Life{weak_from_this(), ++lives_}).release(),
                             [](gpointer life) { delete static_cast<Life*>(life); });

    const gst::Owned<GstObject> source(GST_OBJECT(element(pipeline_.get(), "source")));
    connect(GST_ELEMENT(source.get()));
    gst_element_set_state(made, GST_STATE_PLAYING);
    if (!is_video_)
        arrays_ = std::make_unique<ArraySource>(tag_, owner_, std::min(fps_, 30u), GST_APP_SRC(source.get()));
}

void EncodedTag::connect(GstElement* source) {
    if (is_video_) {
        g_object_set(source, "tag", tag_.c_str(), "keepalive", keepalive, nullptr);
        if (!owner_.empty())
            g_object_set(source, "owner", owner_.c_str(), nullptr);
    }
    const gst::Owned<GstObject> pad(GST_OBJECT(gst_element_get_static_pad(source, "src")));
    Encoder::give_rate(GST_PAD(pad.get()));
    gst_pad_add_probe(
        GST_PAD(pad.get()), GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad* at, GstPadProbeInfo* info, gpointer self) {
            return static_cast<EncodedTag*>(self)->let_through(at, GST_PAD_PROBE_INFO_BUFFER(info))
                       ? GST_PAD_PROBE_OK
                       : GST_PAD_PROBE_DROP;
        },
        this, nullptr);
    const gst::Owned<GstObject> sink(GST_OBJECT(element(pipeline_.get(), "sink")));
    GstAppSinkCallbacks callbacks{};
    callbacks.new_sample = [](GstAppSink* at, gpointer self) {
        if (const gst::Owned<GstSample> sample{gst_app_sink_pull_sample(at)})
            static_cast<EncodedTag*>(self)->send(with_running_time(sample.get()).get());
        return GST_FLOW_OK;
    };
    gst_app_sink_set_callbacks(GST_APP_SINK(sink.get()), &callbacks, this, nullptr);
}

/// What happens before a frame is encoded: at most so many a second, and key frames where they are wanted.
bool EncodedTag::let_through(GstPad* pad, GstBuffer* buffer) {
    const GstClockTime time = GST_BUFFER_PTS(buffer);
    const GstClockTime interval = GST_SECOND / fps_;
    if (GST_CLOCK_TIME_IS_VALID(next_) && time < next_)
        return false;
    next_ =
        GST_CLOCK_TIME_IS_VALID(next_) && next_ + interval > time ? next_ + interval : time + interval / 2;
    const GstClockTime now = gst_clock_get_time(GST_CLOCK(clock_.get()));
    if (wants_key_frame_ && now >= key_frame_asked_ + between_key_frames) {
        key_frame_asked_ = now;
        gst_pad_push_event(pad, gst_video_event_new_downstream_force_key_unit(
                                    GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, TRUE, 0));
    }
    return true;
}

/// An error ends the pipeline, not the EncodedTag: the writer may have gone over to other arrays.
GstBusSyncReply EncodedTag::heard(GstBus*, GstMessage* message, gpointer data) {
    if ((GST_MESSAGE_TYPE(message) & (GST_MESSAGE_ERROR | GST_MESSAGE_EOS)) != 0) {
        in_main_loop([life = *static_cast<Life*>(data)] {
            after(milliseconds_before_restart, [life] {
                if (const auto self = life.tag.lock())
                    self->restart(life.number);
            });
        });
    }
    gst_message_unref(message);
    return GST_BUS_DROP;
}

void EncodedTag::restart(unsigned life) {
    if (life != lives_)
        return;
    is_video_ = gives_plain_video(tag_, owner_).value_or(is_video_);
    stop();
    play();
}

// ---------------------------------------------------------------------------------------------- EncodedTags

EncodedTags::EncodedTags(const Encoder& encoder, const EncoderOptions& options, std::string owner)
    : encoder_(encoder), options_(options), owner_(std::move(owner)) {}

std::shared_ptr<EncodedTag> EncodedTags::of(const std::string& tag) {
    if (auto there = find(tag))
        return there;
    const Look look = look_at(tag, owner_);  // it waits for a frame, and nobody for it
    const std::lock_guard lock(mutex_);
    std::weak_ptr<EncodedTag>& entry = all_[tag];
    if (auto there = entry.lock())
        return there;
    auto encoded = std::make_shared<EncodedTag>(tag, owner_, encoder_, options_, look);
    encoded->play();
    entry = encoded;
    return encoded;
}

std::shared_ptr<EncodedTag> EncodedTags::find(const std::string& tag) {
    const std::lock_guard lock(mutex_);
    std::erase_if(all_, [](const auto& entry) { return entry.second.expired(); });
    const auto found = all_.find(tag);
    return found != all_.end() ? found->second.lock() : nullptr;
}

}  // namespace ndsharray::serve
