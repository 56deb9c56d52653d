// SPDX-License-Identifier: BSD-3-Clause
// Which encoder is taken, and its settings for low latency.
#include "serve/encoder.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ndsharray::serve {
namespace {

/// For one frame to come out of an encoder that is tried.
constexpr GstClockTime trial_patience = 5 * GST_SECOND;

/// Frames from one key frame to the next where nobody asks for one: so a viewer who lost a packet sees a
/// whole picture again.
constexpr const char* key_distance = "60";

/// Hardware first, then what is fastest.
constexpr std::array<const char*, 5> known{"v4l2h264enc", "vah264enc", "x264enc", "openh264enc", "vp8enc"};

/// What encoders are told where nobody says how often frames come.
constexpr int usual_fps = 30;

GstPadProbeReturn add_rate(GstPad*, GstPadProbeInfo* info, gpointer) {
    GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
    if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
        return GST_PAD_PROBE_OK;
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event, &caps);
    int numerator = 0;
    int denominator = 1;
    gst_structure_get_fraction(gst_caps_get_structure(caps, 0), "framerate", &numerator, &denominator);
    if (numerator != 0)
        return GST_PAD_PROBE_OK;
    const gst::Owned<GstCaps> rated(gst_caps_copy(caps));
    gst_caps_set_simple(rated.get(), "framerate", GST_TYPE_FRACTION, usual_fps, 1, nullptr);
    GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_caps(rated.get());
    gst_event_unref(event);
    return GST_PAD_PROBE_OK;
}

/// In kbit/s: three or four megabits for 720p.
unsigned bitrate_for(unsigned width, unsigned height) {
    return std::clamp(width * height / 260, 400u, 12'000u);
}

std::string joined(std::initializer_list<std::string_view> parts) {
    std::string whole;
    for (const std::string_view part : parts)
        whole += part;
    return whole;
}

/// The element with its settings: no frame waits for another one.
std::string settings_of(const std::string& element, unsigned bitrate) {
    const std::string kilobits = std::to_string(bitrate);
    const std::string bits = kilobits + "000";
    if (element == "v4l2h264enc")
        return joined(
            {"v4l2h264enc name=encoder "
             "extra-controls=\"controls,repeat_sequence_header=1,h264_i_frame_period=",
             key_distance, ",video_bitrate=", bits, "\""});
    if (element == "vah264enc")
        return joined(
            {"vah264enc name=encoder b-frames=0 ref-frames=1 rate-control=cbr target-usage=6 "
             "key-int-max=",
             key_distance, " bitrate=", kilobits});
    if (element == "x264enc")
        return joined(
            {"x264enc name=encoder tune=zerolatency speed-preset=superfast bframes=0 "
             "byte-stream=true aud=false vbv-buf-capacity=300 key-int-max=",
             key_distance, " bitrate=", kilobits});
    if (element == "openh264enc")
        return joined(
            {"openh264enc name=encoder usage-type=camera complexity=low rate-control=bitrate "
             "gop-size=",
             key_distance, " bitrate=", bits});
    if (element == "vp8enc")
        return joined(
            {"vp8enc name=encoder deadline=1 cpu-used=8 lag-in-frames=0 end-usage=cbr "
             "buffer-initial-size=200 buffer-optimal-size=200 buffer-size=300 threads=2 "
             "keyframe-max-dist=",
             key_distance, " target-bitrate=", bits});
    return element;
}

bool is_installed(const std::string& element) {
    const gst::Owned<GstObject> factory(GST_OBJECT(gst_element_factory_find(element.c_str())));
    return factory != nullptr;
}

/// Whether frames come out of it: an element may be installed for a device that is not there.
bool works(const std::string& launch) {
    const std::string text =
        "videotestsrc num-buffers=3 ! video/x-raw,width=320,height=240,framerate=30/1 ! videoconvert ! " +
        launch + " ! fakesink sync=false";
    const gst::Owned<GstObject> pipeline(
        GST_OBJECT(gst_parse_launch_full(text.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, nullptr)));
    if (!pipeline)
        return false;
    gst_element_set_state(GST_ELEMENT(pipeline.get()), GST_STATE_PLAYING);
    const gst::Owned<GstObject> bus(GST_OBJECT(gst_element_get_bus(GST_ELEMENT(pipeline.get()))));
    const gst::Owned<GstMessage> end(
        gst_bus_timed_pop_filtered(GST_BUS(bus.get()), trial_patience,
                                   static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    gst_element_set_state(GST_ELEMENT(pipeline.get()), GST_STATE_NULL);
    return end && GST_MESSAGE_TYPE(end.get()) == GST_MESSAGE_EOS;
}

std::string names() {
    std::string text;
    for (const char* element : known)
        text += (text.empty() ? "" : ", ") + std::string(element);
    return text;
}

}  // namespace

Encoder::Encoder(const EncoderOptions& options) : options_(options) {
    for (const char* element : known) {
        element_ = element;
        if (!options.element.empty() && options.element != element_)
            continue;
        if (is_installed(element_) && works(launch(320, 240)))
            return;
    }
    if (options.element.empty())
        throw std::runtime_error("no encoder works here, of " + names() +
                                 "; gstreamer1.0-plugins-ugly has x264enc");
    if (std::find(known.begin(), known.end(), options.element) == known.end())
        throw std::runtime_error("--encoder takes one of " + names());
    throw std::runtime_error("the encoder " + options.element + " is not installed, or does not work here");
}

Codec Encoder::codec() const {
    return element_ == "vp8enc" ? Codec::Vp8 : Codec::H264;
}

gst::Owned<GstCaps> Encoder::caps() const {
    return gst::Owned<GstCaps>(gst_caps_from_string(
        codec() == Codec::Vp8
            ? "video/x-vp8"
            : "video/x-h264,stream-format=byte-stream,alignment=au,profile=constrained-baseline"));
}

void Encoder::give_rate(GstPad* pad) {
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, add_rate, nullptr, nullptr);
}

std::string Encoder::launch(unsigned width, unsigned height) const {
    const unsigned bitrate = options_.bitrate != 0 ? options_.bitrate : bitrate_for(width, height);
    const std::string encoder =
        "video/x-raw,format={I420,NV12},pixel-aspect-ratio=1/1,width=" + std::to_string(width) +
        ",height=" + std::to_string(height) + " ! " + settings_of(element_, bitrate);
    if (codec() == Codec::Vp8)
        return encoder;
    // The driver of a Raspberry Pi wants to be told a level.
    const std::string level = element_ == "v4l2h264enc" ? ",level=(string)4" : "";
    // Every key frame brings SPS and PPS: a decoder can begin with any, and follows when they change.
    return encoder + " ! video/x-h264,profile=constrained-baseline" + level +
           " ! h264parse config-interval=-1 ! "
           "video/x-h264,stream-format=byte-stream,alignment=au";
}

}  // namespace ndsharray::serve
